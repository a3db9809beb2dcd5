"""Refuse to measure a server that answers something else, checks less or logs less than the work asks for."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection

from benchmarks.process import Running
from benchmarks.works import Answer, Ask, Work

LOG_SECONDS = 3


class Unfair(Exception):
    """A server that does not do the work as it is defined."""


def check(server: Running, work: Work) -> None:
    """Send every request of the work once, and every one that must be refused.

    Raises:
        Unfair: An answer, a header, a refusal or a line of the log is missing or wrong.
    """
    for position, ask in enumerate(work.asks):
        expected = work.answers[min(position, len(work.answers) - 1)]
        _check_answer(server, ask, expected)
    if server.name == "floor":  # It is what the wire costs: it checks and logs nothing, and says so.
        return
    for refusal in work.refusals:
        status, _, body = send(server.port, refusal.ask)
        if status not in refusal.statuses:
            raise Unfair(f"{server.name} answered {status} to {refusal.why}: {body[:300]}")
    if work.logged:
        _check_log(server, work)


def _check_answer(server: Running, ask: Ask, expected: Answer) -> None:
    status, headers, body = send(server.port, ask)
    if status != expected.status:
        raise Unfair(f"{server.name} answered {status} to {ask.method} {ask.path}: {body[:300]}")
    if expected.read(body) != expected.body:
        raise Unfair(f"{server.name} answered something else to {ask.method} {ask.path}: {body[:300]}")
    for name, value in expected.headers.items():
        if headers.get(name.lower()) != value:
            raise Unfair(f"{server.name} sent {name}: {headers.get(name.lower())} instead of {value}")


def send(port: int, ask: Ask) -> tuple[int, dict[str, str], str]:
    """Send one request on a connection of its own; return status, headers by lower-case name, and body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(ask.method, ask.path, ask.body and ask.body.encode(), ask.headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read().decode()
    finally:
        connection.close()


def _check_log(server: Running, work: Work) -> None:
    """Look for as many access lines as there were requests: each with method, path, status, duration and its own id."""
    ask, wanted = work.asks[0], len(work.asks) + len(work.refusals)
    deadline = time.monotonic() + LOG_SECONDS  # a server may buffer its lines for a moment
    while True:
        lines = [line for line in _json_lines(server) if line.get("path") == ask.path]
        whole = [line for line in lines if _is_access_line(line, ask)]
        if len(whole) >= wanted and len({line["request_id"] for line in whole}) == len(whole):
            return
        if time.monotonic() > deadline:
            raise Unfair(
                f"{server.name} logged {len(whole)} whole access lines for {wanted} requests: {lines[:2]}"
            )
        time.sleep(0.05)


def _is_access_line(line: dict[str, object], ask: Ask) -> bool:
    timed = any(name.startswith("duration") for name in line)
    return (
        timed
        and bool(line.get("request_id"))
        and line.get("method") == ask.method
        and isinstance(line.get("status"), int)
    )


def _json_lines(server: Running) -> list[dict[str, object]]:
    lines = server.output.read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
