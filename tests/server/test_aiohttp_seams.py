"""The private parts of aiohttp that the server leans on; when one fails, read ``web_protocol.py`` again."""

from __future__ import annotations

import inspect

import pytest
from aiohttp import web, web_protocol, web_response
from aiohttp.http_writer import StreamWriter, _serialize_headers
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

ATTRIBUTES = [
    "_current_request",
    "_force_close",
    "_keepalive_handle",
    "_lingering_time",
    "_messages",
    "_next_keepalive_close_time",
    "_payload_parser",
    "_request_count",
    "_request_in_progress",
    "_task_handler",
    "_waiter",
]
INHERITED_ATTRIBUTES = ["_buffer_paused", "_loop", "_reading_paused", "_upgraded", "transport"]
SIGNATURES = {
    "_handle_request": ["self", "request", "start_time", "request_handler"],
    "_make_error_handler": ["self", "err_info"],
    "_process_keepalive": ["self"],
    "finish_response": ["self", "request", "resp", "start_time"],
    "log_exception": ["self", "args", "kw"],
    "resume_reading": ["self", "resume_parser"],
}


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


def test_the_loop_of_a_connection_asks_the_methods_that_are_overridden() -> None:
    source = inspect.getsource(RequestHandler.start)

    for call in [
        "self._make_error_handler(message)",
        "self._request_factory(",
        "self._handle_request(request, start, request_handler)",
        "self._lingering_time",
        "message = ERROR",
    ]:
        assert call in source


def test_a_keep_alive_timer_that_is_set_is_left_alone() -> None:
    source = inspect.getsource(RequestHandler.start)

    assert "if self._keepalive_handle is None:" in source


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
