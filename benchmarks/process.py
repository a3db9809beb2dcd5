"""Start a server on its own core and read from /proc what it costs."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.environment import python_of
from benchmarks.servers import Server

SERVER_CORE, CLIENT_CORE = 0, 1
TICK = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 30
MIB = 1 << 20


@dataclass(frozen=True)
class Running:
    """A server that answers, and what it took to get there."""

    name: str
    port: int
    pid: int
    output: Path
    start_seconds: float
    start_cpu_seconds: float
    start_rss_bytes: int

    def cpu_seconds(self) -> float:
        """Return user and system time of the whole process tree since it began."""
        return sum(_cpu_seconds(pid) for pid in tree(self.pid))

    def rss_bytes(self) -> int:
        """Return the resident memory of the process tree."""
        return sum(_status_bytes(pid, "VmRSS") for pid in tree(self.pid))

    def forget_peak(self) -> None:
        """Set the peak of the resident memory back to what it is now (proc(5), clear_refs)."""
        for pid in tree(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """Return the highest resident memory since `forget_peak`."""
        return sum(_status_bytes(pid, "VmHWM") for pid in tree(self.pid))


def tree(root: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [root]
    for pid in found:  # grows while it is walked
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found.extend(int(child) for child in children.read_text().split())
    return found


def _cpu_seconds(pid: int) -> float:
    # The command's name may hold spaces: the fields are counted from its closing bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICK  # utime, stime and those of reaped children


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def pin_this_process() -> None:
    """Keep the harness, and so every client that it starts, off the servers' core."""
    os.sched_setaffinity(0, {CLIENT_CORE})


def raise_open_files(wanted: int = 8192) -> None:
    """Let this process and its children hold enough sockets, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running(server: Server, work: str, output: Path, environment: Mapping[str, str]) -> Iterator[Running]:
    """Start a server on the servers' core, wait for its first answer, and stop it in the end.

    Raises:
        RuntimeError: The server ended or did not answer within 30 seconds; the end of its output is in the message.
    """
    port = free_port()
    command = [shutil.which("taskset") or "taskset", "--cpu-list", str(SERVER_CORE)]
    command += [str(python_of(server.environment)), "-m", "benchmarks.serve", server.module, work, str(port)]
    with output.open("wb") as sink:
        began = time.monotonic()
        # A session of its own: what the server forks is ended with it.
        process = subprocess.Popen(
            command,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    try:
        _wait_until_ready(process, port, output)
        yield Running(
            name=server.name,
            port=port,
            pid=process.pid,
            output=output,
            start_seconds=time.monotonic() - began,
            start_cpu_seconds=sum(_cpu_seconds(pid) for pid in tree(process.pid)),
            start_rss_bytes=sum(_status_bytes(pid, "VmRSS") for pid in tree(process.pid)),
        )
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{_tail(output)}")
        if _answers(port):
            return
        time.sleep(0.005)
    raise RuntimeError(f"the server did not answer within {READY_SECONDS} s:\n{_tail(output)}")


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/hello")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _tail(output: Path) -> str:
    return output.read_text(errors="replace")[-3000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=5)
