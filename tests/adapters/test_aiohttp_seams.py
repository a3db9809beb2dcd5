"""The private parts of aiohttp that the adapters lean on; when one fails, read ``web_protocol.py`` again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from aiohttp import BodyPartReader, MultipartReader, http_writer, web, web_protocol, web_response
from aiohttp.http_writer import StreamWriter, _serialize_headers
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_urldispatcher import SystemRoute, UrlMappingMatchInfo
from multidict import CIMultiDict, CIMultiDictProxy

from framework.adapters.aiohttp.responses import JSONResponse
from tests.private_names import uses_inside_adapters

#: Every private name that the adapters use, by where mypy says that it comes from.
PRIVATE: Mapping[str, Sequence[str]] = {
    "aiohttp.base_protocol.BaseProtocol": [
        *("_buffer_paused", "_drain_helper", "_loop", "_parser", "_paused", "_reading_paused", "_upgraded"),
    ],
    "aiohttp.http_writer": ["_serialize_headers"],
    "aiohttp.http_writer.StreamWriter": ["_compress", "_headers_buf", "_headers_written"],
    "aiohttp.multipart.BodyPartReader": ["_content"],
    "aiohttp.multipart.MultipartReader": [
        *("_at_bof", "_at_eof", "_boundary", "_content", "_default_charset", "_last_part"),
        *("_maybe_release_last_part", "_read_boundary", "_read_headers", "_read_until_first_boundary"),
        *("_readline", "_unread"),
    ],
    "aiohttp.streams.StreamReader": [
        *("_buffer", "_buffer_offset", "_cursor", "_http_chunk_splits", "_protocol", "_size", "_timer"),
    ],
    "aiohttp.web_app.Application": ["_client_max_fields", "_client_max_size", "_handle"],
    "aiohttp.web_protocol": ["_ErrInfo", "_PAYLOAD_ACCESS_ERROR"],
    "aiohttp.web_protocol.RequestHandler": [
        *(
            "_close",
            "_current_request",
            "_data_received_cb",
            "_force_close",
            "_keepalive",
            "_keepalive_handle",
        ),
        *("_keepalive_timeout", "_lingering_time", "_max_msg_queue_size", "_message_tail", "_messages"),
        *("_msg_queue_resume_size", "_next_keepalive_close_time", "_payload_parser", "_process_keepalive"),
        *("_read_bufsize", "_request_count", "_request_in_progress", "_resume_reading_if_drained"),
        "_task_handler",
    ],
    "aiohttp.web_request.BaseRequest": [
        *("_cache", "_client_max_fields", "_client_max_size", "_finish", "_headers", "_loop", "_message"),
        *(
            "_method",
            "_payload",
            "_payload_writer",
            "_post",
            "_protocol",
            "_read_bytes",
            "_rel_url",
            "_state",
        ),
        *("_task", "_transport_peername", "_transport_sockname", "_transport_sslcontext", "_version"),
    ],
    "aiohttp.web_request.Request": ["_match_info", "_prepare_hook"],
    "aiohttp.web_response.Response": ["_zlib_executor", "_zlib_executor_size"],
    "aiohttp.web_response.StreamResponse": [
        *("_body", "_body_length", "_chunked", "_compression", "_cookies", "_eof_sent", "_headers"),
        *("_keep_alive", "_payload_writer", "_reason", "_state", "_status"),
    ],
    "aiohttp.web_ws.WebSocketResponse": ["_heartbeat", "_max_msg_size", "_pong_heartbeat", "_reader"],
    "aiohttp.web_runner.AppRunner": ["_cleanup_server", "_make_server"],
    "aiohttp.web_runner.BaseRunner": ["_shutdown_timeout"],
    "aiohttp.web_runner.BaseSite": ["_runner", "_server"],
    "aiohttp.web_server.Server": ["_connections", "_loop"],
    "aiohttp.web_urldispatcher.DynamicResource": ["_formatter", "_match", "_pattern"],
    "aiohttp.web_urldispatcher.PlainResource": ["_path"],
    "aiohttp.web_urldispatcher.Resource": ["_any_route", "_routes"],
    "aiohttp.web_urldispatcher.UrlDispatcher": ["_matched_sub_app_resources", "_resource_index"],
    "aiohttp.web_urldispatcher.UrlMappingMatchInfo": ["_apps", "_current_app", "_frozen", "_route"],
}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=a"}
SIGNATURES = {
    "_process_keepalive": ["self"],
    "close": ["self"],
    "connection_made": ["self", "transport"],
    "finish_response": ["self", "request", "resp", "start_time"],
    "force_close": ["self"],
    "log_exception": ["self", "args", "kw"],
    "resume_reading": ["self", "resume_parser"],
}


@pytest.fixture
async def owners() -> AsyncIterator[Mapping[str, object]]:
    """Return something of each kind that has private names: a module, or an object as aiohttp makes it."""

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response()

    app, loop = web.Application(), asyncio.get_running_loop()
    runner = web.AppRunner(app)
    await runner.setup()
    connection = web.Server(handler)()
    request, response = make_mocked_request("GET", "/"), web.Response(body=b"")
    resource = web.DynamicResource("/{name}")
    yield {
        "aiohttp.base_protocol.BaseProtocol": connection,
        "aiohttp.http_writer": http_writer,
        "aiohttp.http_writer.StreamWriter": StreamWriter(connection, loop),
        "aiohttp.multipart.BodyPartReader": BodyPartReader(
            b"--a", CIMultiDictProxy(CIMultiDict()), EMPTY_PAYLOAD
        ),
        "aiohttp.multipart.MultipartReader": MultipartReader(MULTIPART, EMPTY_PAYLOAD),
        "aiohttp.streams.StreamReader": StreamReader(connection, 2**16, loop=loop),
        "aiohttp.web_app.Application": app,
        "aiohttp.web_protocol": web_protocol,
        "aiohttp.web_protocol.RequestHandler": connection,
        "aiohttp.web_request.BaseRequest": request,
        "aiohttp.web_request.Request": request,
        "aiohttp.web_response.Response": response,
        "aiohttp.web_response.StreamResponse": response,
        "aiohttp.web_ws.WebSocketResponse": web.WebSocketResponse(heartbeat=1),
        "aiohttp.web_runner.AppRunner": runner,
        "aiohttp.web_runner.BaseRunner": runner,
        "aiohttp.web_runner.BaseSite": web.TCPSite(runner),
        "aiohttp.web_server.Server": runner.server,
        "aiohttp.web_urldispatcher.DynamicResource": resource,
        "aiohttp.web_urldispatcher.PlainResource": web.PlainResource("/plain"),
        "aiohttp.web_urldispatcher.Resource": resource,
        "aiohttp.web_urldispatcher.UrlDispatcher": app.router,
        "aiohttp.web_urldispatcher.UrlMappingMatchInfo": UrlMappingMatchInfo(
            {}, SystemRoute(web.HTTPNotFound())
        ),
    }
    await runner.cleanup()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(owner, name) for owner, names in PRIVATE.items() for name in names],
    ids=[f"{owner.removeprefix('aiohttp.')}.{name}" for owner, names in PRIVATE.items() for name in names],
)
async def test_a_private_name_is_there(owner: str, name: str, owners: Mapping[str, object]) -> None:
    assert hasattr(owners[owner], name)


def test_the_private_names_that_are_verified_are_those_that_are_used() -> None:
    used = {
        (use.owner, use.name)
        for use in uses_inside_adapters()
        if use.path.startswith("framework/adapters/aiohttp/")
    }
    # Where code has no type a name alone is known, for which it has to be enough that somebody has it.
    untyped = {name for owner, name in used if owner == "untyped"}
    verified = {(owner, name) for owner, names in PRIVATE.items() for name in names}

    assert {(owner, name) for owner, name in used if owner != "untyped"} == verified
    assert untyped <= {name for _, name in verified}


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES.items(), ids=SIGNATURES.keys())
def test_a_method_that_is_overridden_takes_the_same(name: str, parameters: list[str]) -> None:
    method = getattr(RequestHandler, name)

    assert list(inspect.signature(method).parameters) == parameters


def test_an_exchange_takes_the_steps_of_aiohttp_s_own() -> None:
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


def test_a_socket_reads_its_limits_behind_the_signal() -> None:
    prepare, start = (
        inspect.getsource(getattr(web.WebSocketResponse, name)) for name in ("prepare", "_post_start")
    )

    assert prepare.index("super().prepare(request)") < prepare.index("self._post_start(")
    for step in ["self._reset_heartbeat()", "self._max_msg_size,", "self._heartbeat is None"]:
        assert step in start


def test_a_target_that_aiohttp_cannot_read_fails_where_redirects_are_made() -> None:
    assert "location" in inspect.signature(web.HTTPMove.__init__).parameters


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
