"""The private parts of aiohttp that the server leans on; when one fails, read ``web_protocol.py`` again."""

from __future__ import annotations

import inspect

import pytest
from aiohttp import web, web_protocol, web_response
from aiohttp.http_writer import StreamWriter, _serialize_headers
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from framework.adapters.aiohttp.responses import JSONResponse

ATTRIBUTES = [
    "_close",
    "_current_request",
    "_force_close",
    "_keepalive",
    "_keepalive_handle",
    "_keepalive_timeout",
    "_lingering_time",
    "_messages",
    "_msg_queue_resume_size",
    "_next_keepalive_close_time",
    "_payload_parser",
    "_request_count",
    "_request_in_progress",
    "_task_handler",
]
INHERITED_ATTRIBUTES = [
    "_buffer_paused",
    "_drain_helper",
    "_loop",
    "_parser",
    "_paused",
    "_reading_paused",
    "_resume_reading_if_drained",
    "_upgraded",
    "transport",
]
SIGNATURES = {
    "_process_keepalive": ["self"],
    "close": ["self"],
    "connection_made": ["self", "transport"],
    "finish_response": ["self", "request", "resp", "start_time"],
    "force_close": ["self"],
    "log_exception": ["self", "args", "kw"],
    "resume_reading": ["self", "resume_parser"],
}
RESPONSE_ATTRIBUTES = [
    "_body_length",
    "_chunked",
    "_compression",
    "_cookies",
    "_eof_sent",
    "_keep_alive",
    "_payload_writer",
]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_request_handler_has_the_attribute(name: str) -> None:
    assert name in RequestHandler.__slots__


@pytest.mark.parametrize("name", INHERITED_ATTRIBUTES)
def test_a_protocol_has_the_attribute(name: str) -> None:
    assert hasattr(RequestHandler, name)


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES.items(), ids=SIGNATURES.keys())
def test_a_method_that_is_overridden_takes_the_same(name: str, parameters: list[str]) -> None:
    method = getattr(RequestHandler, name)

    assert list(inspect.signature(method).parameters) == parameters


def test_a_turn_takes_the_steps_of_aiohttp_s_own() -> None:
    source = inspect.getsource(RequestHandler.start)

    for step in [
        "self._messages.popleft()",
        "self._parser.message_consumed()",
        "self._resume_reading_if_drained()",
        "manager.requests_count += 1",
        "self._keepalive = bool(resp.keep_alive)",
        "await payload.readany()",
        "payload.set_exception(_PAYLOAD_ACCESS_ERROR)",
        "request._task = None",
        "self._next_keepalive_close_time = close_time",
    ]:
        assert step in source


def test_a_connection_begins_with_the_steps_of_aiohttp_s_own() -> None:
    source = inspect.getsource(RequestHandler.connection_made)

    for step in [
        "super().connection_made(transport)",
        "tcp_keepalive(real_transport)",
        "self._manager.connection_made(self, real_transport)",
        "asyncio.Task(self.start(), loop=loop, eager_start=True)",
    ]:
        assert step in source


@pytest.mark.parametrize("name", RESPONSE_ATTRIBUTES)
def test_a_response_has_the_attribute_that_a_short_response_looks_at(name: str) -> None:
    assert hasattr(web.StreamResponse, name)


def test_a_response_is_set_up_by_the_steps_that_one_of_ours_takes() -> None:
    made = web.Response(body=b"{}", status=404, content_type="application/json")
    ours = JSONResponse(b"{}", status=404)

    assert {name: getattr(ours, name) for name in vars(made)} == vars(made)


def test_a_prepared_response_asks_the_signals_of_its_request_s_applications() -> None:
    source = inspect.getsource(web.Request._prepare_hook)

    assert "self._match_info" in source
    assert "match_info._apps" in source


def test_what_follows_a_declined_upgrade_is_parsed_by_the_steps_of_aiohttp_s_own() -> None:
    source = inspect.getsource(RequestHandler.finish_response)

    for step in ["self._parser.set_upgraded(False)", "self._upgraded = False", "self._message_tail"]:
        assert step in source


def test_a_body_that_is_read_whole_asks_to_go_on_without_the_parser() -> None:
    source = inspect.getsource(StreamReader)

    assert "self._protocol.resume_reading(resume_parser=False)" in source


def test_an_error_of_the_parser_is_queued_as_a_message() -> None:
    source = inspect.getsource(RequestHandler.data_received)

    assert "_ErrInfo(status=400, exc=exc, message=exc.message)" in source
    assert [field.name for field in web_protocol._ErrInfo.__attrs_attrs__] == ["status", "exc", "message"]


def test_a_stream_enters_its_timer_before_it_waits() -> None:
    source = inspect.getsource(StreamReader._wait)

    assert "with self._timer:" in source


def test_a_writer_has_the_state_that_is_written() -> None:
    source = inspect.getsource(StreamWriter)

    for name in ("_headers_buf", "_headers_written", "_compress", "length", "chunked", "output_size"):
        assert name in source
    assert (
        _serialize_headers("HTTP/1.1 200 OK", CIMultiDict({"A": "b"})) == b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    )


def test_a_response_takes_its_writer_from_the_request() -> None:
    source = inspect.getsource(web_response.StreamResponse._start)

    assert "request._payload_writer" in source


def test_an_application_keeps_its_limits_where_the_server_looks() -> None:
    app = web.Application(client_max_size=1, client_max_fields=2)

    assert app._client_max_size == 1
    assert app._client_max_fields == 2


def test_a_runner_stops_in_the_order_that_is_relied_on() -> None:
    source = inspect.getsource(web.BaseRunner.cleanup)

    steps = [
        "site.stop()",
        "pre_shutdown()",
        "self.shutdown()",
        "shutdown(self._shutdown_timeout)",
        "_cleanup_server()",
    ]
    positions = [source.index(step) for step in steps]
    assert positions == sorted(positions)
