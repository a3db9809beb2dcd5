"""Load a server with wrk for some seconds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks.process import MIB, Running
from benchmarks.works import Ask, Work

CONNECTIONS = 32
Sample = dict[str, float]


class LoadFailed(Exception):
    """wrk saw errors, so its figures are of no use."""


def script(work: Work) -> str:
    """Return the Lua script that sends the requests of a work in turn and prints its figures as one JSON line."""
    return "\n".join((*_requests(work.asks), _SUMMARY))


def _requests(asks: tuple[Ask, ...]) -> list[str]:
    if len(asks) == 1:  # wrk then sends ready bytes and calls no Lua per request
        (ask,) = asks
        lines = [f"wrk.method = {_quoted(ask.method)}", f"wrk.path = {_quoted(ask.path)}"]
        lines += [f"wrk.headers[{_quoted(name)}] = {_quoted(value)}" for name, value in ask.headers.items()]
        return [*lines, f"wrk.body = {_quoted(ask.body)}"]
    calls = [
        f"  ready[#ready + 1] = wrk.format({_quoted(ask.method)}, {_quoted(ask.path)}, "
        f"{_table(ask.headers)}, {_quoted(ask.body)})"
        for ask in asks
    ]
    return ["local ready, turn = {}, 0", "function init(args)", *calls, "end", _NEXT]


def _table(headers: dict[str, str]) -> str:
    return "{" + ", ".join(f"[{_quoted(name)}] = {_quoted(value)}" for name, value in headers.items()) + "}"


def _quoted(text: str | None) -> str:
    if text is None:
        return "nil"
    safe = (
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\{byte:03}" for byte in text.encode()
    )
    return f"'{''.join(safe)}'"


_NEXT = """
function request()
  turn = turn % #ready + 1
  return ready[turn]
end
"""
_SUMMARY = """
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    'WRK {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "statuses": %d, "sockets": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


def load(server: Running, lua: Path, seconds: int) -> Sample:
    """Send requests on 32 connections for so many seconds; return what they took and what the server spent on them.

    Raises:
        LoadFailed: An answer was an error, or a connection broke.
    """
    before = server.cpu_seconds()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(lua)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds + 30,
    )
    if done.returncode:
        raise LoadFailed(f"wrk ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    spent = server.cpu_seconds() - before
    figures = next(json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("WRK "))
    if figures["statuses"] or figures["sockets"]:
        raise LoadFailed(f"{server.name}: {figures}")
    return {
        "rps": figures["requests"] / figures["microseconds"] * 1e6,
        "cpu_us": spent / figures["requests"] * 1e6,
        "core": spent / figures["microseconds"] * 1e6,
        "p50_ms": figures["p50"] / 1e3,
        "p99_ms": figures["p99"] / 1e3,
        "rss_mib": server.rss_bytes() / MIB,
    }
