"""The numbers of this worker, and of all workers, those that have ended included."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from framework.batteries.metrics.counting import Requests
from framework.batteries.metrics.merging import GROWING, families_of, grown, merged, plain
from framework.server.siblings import Question, Siblings

QUESTION = "metrics"


class Numbers:
    """What is counted here, and what the other workers have counted.

    NOTE: what has been shown is also kept in a file, before it is shown: a sum never falls when a worker is killed,
    though it may lack what was counted since somebody asked last.
    """

    def __init__(self, requests: Requests, registry: CollectorRegistry) -> None:
        self._requests = requests
        self._registry = registry
        self._siblings: Siblings | None = None
        self._inherited: list[Metric] = []

    def begin(self, siblings: Siblings) -> None:
        """Take over what the last worker of this number had counted, and answer the others."""
        self._siblings = siblings
        self._inherited = _read(_file(siblings, siblings.number))
        siblings.answer(QUESTION, self._answer)

    def end(self) -> None:
        """Leave what was counted to the next worker of this number."""
        if self._siblings is not None:
            self._kept(self._siblings)

    async def families(self) -> list[Metric]:
        """Return the numbers of all workers together."""
        siblings = self._siblings
        if siblings is None:
            return self._own()
        told = await siblings.ask(QUESTION)
        workers: dict[int, Iterable[Metric]] = {number: [*families_of(said)] for number, said in told.items()}
        workers[siblings.number] = self._kept(siblings)
        silent = [path for path in siblings.folder.glob("*.metrics") if int(path.stem) not in workers]
        workers[0] = merged({int(path.stem): _read(path) for path in silent})
        return merged(workers)

    async def _answer(self, _: Question) -> Any:
        assert self._siblings is not None  # noqa: S101 - it is what asks
        return plain(self._kept(self._siblings))

    def _own(self) -> list[Metric]:
        return [*self._requests.collect(), *self._registry.collect()]

    def _kept(self, siblings: Siblings) -> list[Metric]:
        families = self._own()
        number = siblings.number
        if self._inherited:
            rest = [family for family in families if family.type not in GROWING]
            families = [*rest, *merged({0: self._inherited, number: grown(families)})]
        path = _file(siblings, number)
        with suppress(OSError):
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(plain(grown(families))), "utf-8")
            fresh.replace(path)
        return families


def _file(siblings: Siblings, number: int) -> Path:
    return siblings.folder / f"{number}.metrics"


def _read(path: Path) -> list[Metric]:
    try:
        return [*families_of(json.loads(path.read_text("utf-8")))]
    except (OSError, ValueError):
        return []
