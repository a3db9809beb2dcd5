"""Measure servers side by side: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import targets
from benchmarks.checks import Unfair, check
from benchmarks.idle import idle
from benchmarks.load import LoadFailed, Sample, load, script
from benchmarks.machine import machine
from benchmarks.process import MIB, Running, pin_this_process, raise_open_files, running
from benchmarks.report import Results, document, table
from benchmarks.room import room
from benchmarks.servers import OWN, Server, all_servers
from benchmarks.tokens import PEERS, own_signer
from benchmarks.transfer import make_big_file, transfer
from benchmarks.works import Work, all_works

FAILURES = (RuntimeError, Unfair, LoadFailed, OSError)
WARM_UP_SECONDS = 1
# Each round of these has a server of its own: what one has freed, the next would be given again and seem to need not.
FRESH = frozenset({"startup", "idle", "transfer"})


def options_from(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--works", type=_names(all_works()), default=list(all_works()), help="comma-separated"
    )
    parser.add_argument(
        "--servers", type=_names(all_servers()), default=list(all_servers()), help="comma-separated"
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds per work (5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load per round and server (3)")
    parser.add_argument("--baseline", help="the server that ratios refer to (each work has its own)")
    parser.add_argument(
        "--environment", type=Path, metavar="FOLDER", help="a virtual environment for all servers"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    return parser.parse_args(arguments)


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}"
            )
        return names

    return parse


class Session:
    """One run of the harness: its options, its folder, the servers, and what has failed so far."""

    def __init__(self, options: argparse.Namespace, folder: Path, known: Mapping[str, Server]) -> None:
        self.options = options
        self._known = known
        self.folder = folder
        self.environment = {"BENCH_BIG_FILE": str(make_big_file(folder))}
        self.failures: list[str] = []

    def measure(self, work: Work) -> dict[str, list[Sample]]:
        """Measure one work on every chosen server that does it, in interleaved rounds."""
        asked = [self._known[name] for name in self.options.servers]
        chosen = [server for server in asked if work.name in server.works]
        if work.kind in FRESH:
            return self._measure_fresh(work, chosen)
        with ExitStack() as stack:
            servers = [up for server in chosen if (up := self._start(server, work, stack))]
            samples: dict[str, list[Sample]] = {server.name: [] for server in servers}
            for number in range(self.options.rounds):
                for server in servers:
                    self._round(server, work, number, samples)
            return {name: found for name, found in samples.items() if found}

    def _start(self, server: Server, work: Work, stack: ExitStack) -> Running | None:
        try:
            up = stack.enter_context(running(server, work.name, self._output(server, work), self.environment))
            if work.kind == "http":
                self._check_and_warm_up(up, work)
            return up
        except FAILURES as error:
            self._failed(server.name, work, error)
            return None

    def _check_and_warm_up(self, server: Running, work: Work) -> None:
        signed = all_works(own_signer() if server.name == OWN else PEERS)[work.name]
        check(server, signed)
        self._lua(server, work).write_text(script(signed))
        load(server, self._lua(server, work), WARM_UP_SECONDS)

    def _round(self, server: Running, work: Work, number: int, samples: dict[str, list[Sample]]) -> None:
        started = {"start_s": server.start_seconds, "start_cpu_s": server.start_cpu_seconds}
        try:
            sample = self._sample(server, work)
        except FAILURES as error:
            self._failed(server.name, work, error)
            return
        samples.setdefault(server.name, []).append({"rss_mib": server.rss_bytes() / MIB, **started, **sample})
        self._tell(server.name, work, number, sample)

    def _sample(self, server: Running, work: Work) -> Sample:
        if work.kind == "startup":
            return {"rss_mib": server.start_rss_bytes / MIB}
        if work.kind == "transfer":
            return transfer(server, work.name)
        if work.kind == "room":
            return room(server, self.options.seconds)
        if work.kind == "idle":
            return idle(server)
        return load(server, self._lua(server, work), self.options.seconds)

    def _measure_fresh(self, work: Work, chosen: Sequence[Server]) -> dict[str, list[Sample]]:
        samples: dict[str, list[Sample]] = {}
        for number in range(self.options.rounds):
            for server in chosen:
                with ExitStack() as stack:
                    if up := self._start(server, work, stack):
                        self._round(up, work, number, samples)
        return samples

    def _tell(self, server: str, work: Work, number: int, sample: Sample) -> None:
        first = next(iter(sample))
        rounds = self.options.rounds
        print(f"{work.name} {number + 1}/{rounds} {server}: {sample[first]:,.1f} {first}", file=sys.stderr)

    def _lua(self, server: Running, work: Work) -> Path:
        return self.folder / f"{server.name}-{work.name}.lua"

    def _output(self, server: Server, work: Work) -> Path:
        return self.folder / f"{server.name}-{work.name}.log"

    def _failed(self, server: str, work: Work, error: Exception) -> None:
        self.failures.append(f"{work.name}, {server}: {f'{type(error).__name__}: {error}'.splitlines()[-1]}")
        print(f"{work.name} {server} FAILED: {error}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table for each work and the targets, and write JSON if asked; return 1 if a server failed."""
    options = options_from(arguments)
    pin_this_process()
    raise_open_files()
    works, results = all_works(), Results()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        session = Session(options, Path(folder), all_servers(options.environment))
        for name in options.works:
            results[name] = session.measure(works[name])
            print(
                "\n" + table(works[name], results[name], options.baseline or works[name].baseline), flush=True
            )
    print("\n" + targets.table(results))
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine().items()))
    if options.json:
        chosen = {**vars(options), "json": str(options.json), "environment": str(options.environment or "")}
        options.json.write_text(json.dumps(document(results, chosen), indent=1))
    if session.failures:
        print("\nNot measured:", *session.failures, sep="\n- ")
    return bool(session.failures)


if __name__ == "__main__":
    raise SystemExit(main())
