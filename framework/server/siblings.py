"""The worker processes of one service, that ask one another: each has a number, and a socket in a folder of theirs.

A worker's number is the first one that is free; it is held by a lock on a file, which ends with the process however
that ends. The folder is named after the workers' parent and open to their user alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from aiohttp import web

if sys.platform != "win32":  # where one process is all there is
    import fcntl

_log = logging.getLogger("framework.server")

_ASK_SECONDS = 2.0
_LONGEST_QUESTION = 64 * 1024
_MOST_WORKERS = 1024

Question = Mapping[str, Any]
Answer = Callable[[Question], Awaitable[Any]]


class Siblings:
    """What a worker knows of the others.

    Attributes:
        number: This worker's, from 1.
        folder: Where the workers keep what outlives one of them.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.folder = folder
        self._answers: dict[str, Answer] = {}

    def answer(self, name: str, answer: Answer) -> None:
        """Answer the others' questions of this name, with what JSON can say."""
        self._answers[name] = answer

    async def ask(self, name: str, question: Question | None = None) -> dict[int, Any]:
        """Return what each of the others answers, by its number; who is silent for two seconds is left out."""
        numbers = [number for number in sorted(self._others()) if number != self.number]
        answers = await asyncio.gather(*(self._asked(number, name, question or {}) for number in numbers))
        return {
            number: answer["answer"]
            for number, answer in zip(numbers, answers, strict=True)
            if answer is not None and "answer" in answer
        }

    def _others(self) -> Iterator[int]:
        return (int(path.stem) for path in self.folder.glob("*.socket"))

    async def _asked(self, number: int, name: str, question: Question) -> Any:
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.folder / f"{number}.socket")
                try:
                    writer.write(json.dumps([name, question]).encode() + b"\n")
                    return json.loads(await reader.read())
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            return None

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question of another worker."""
        told: dict[str, Any] = {}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                name, question = json.loads(await reader.readline())
                if name in self._answers:
                    told = {"answer": await self._answers[name](question)}
                writer.write(json.dumps(told).encode())
                await writer.drain()
        except Exception:  # noqa: BLE001 - what goes wrong with a question is told where it was asked: by silence
            _log.warning("A question of another worker was not answered", exc_info=True)
        finally:
            writer.close()


SIBLINGS: Final = web.AppKey("framework.server.siblings", Siblings)


@asynccontextmanager
async def among_siblings(app: web.Application, parent: int) -> AsyncIterator[None]:
    """Let an application's worker be asked by the others, and give it `SIBLINGS` to ask them.

    Args:
        parent: The id of the process that started the workers.
    """
    try:
        folder = _folder(parent)
        lock, number = _numbered(folder)
    except OSError as error:
        _log.warning("Workers cannot ask one another: %s", error)
        yield
        return
    siblings, path, server = Siblings(number, folder), folder / f"{number}.socket", None
    path.unlink(missing_ok=True)
    try:
        server = await asyncio.start_unix_server(siblings.listen, path, limit=_LONGEST_QUESTION)
        app[SIBLINGS] = siblings
    except OSError as error:  # a path of more than some hundred characters, or a file system without sockets
        _log.warning("Workers cannot ask one another: %s", error)
    try:
        yield
    finally:
        if server is not None:
            server.close()
        path.unlink(missing_ok=True)
        lock.close()
        _leave(folder)


def _folder(parent: int) -> Path:
    """Return the folder of a process's workers, made by the first of them.

    Raises:
        PermissionError: Somebody else has made it, or it is open to others.
    """
    folder = Path(tempfile.gettempdir()) / f"framework-{os.getuid()}-{parent}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder of this user alone")
    return folder


def _numbered(folder: Path) -> tuple[IO[bytes], int]:
    for number in range(1, _MOST_WORKERS):
        lock = _locked(folder / f"{number}.lock")
        if lock is not None:
            return lock, number
    raise OSError(f"{folder} has no number left")


def _locked(path: Path) -> IO[bytes] | None:
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _leave(folder: Path) -> None:
    """Remove the folder behind the last worker; of several that leave at once any may be the first to do so."""
    with ExitStack() as held, suppress(OSError):
        for path in folder.glob("*.lock"):
            lock = _locked(path)
            if lock is None:
                return
            held.enter_context(lock)
        shutil.rmtree(folder)
