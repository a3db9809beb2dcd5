"""The bench as its users run it, with rounds too short to mean anything: no test looks at how fast a server is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from benchmarks.__main__ import Session, options_from
from benchmarks.report import table
from benchmarks.servers import Server, all_servers
from benchmarks.targets import Target
from benchmarks.works import all_works
from tests.servers import missing
from tests.source import ROOT

# What the module makes once is made in one process.
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("bench")]

HERE = Path(sys.prefix)
ROUNDS = 2


@pytest.fixture(scope="module", autouse=True)
def wrk() -> None:
    """Look for the load generator."""
    if shutil.which("wrk") is None:
        missing("wrk", "wrk")


class Report(NamedTuple):
    """What a run has printed and written."""

    printed: str
    written: dict[str, Any]

    def row(self, title: str, first: str) -> list[str]:
        """Return the cells of a line of the table under a title."""
        lines = self.printed.partition(f"### {title}")[2].splitlines()
        cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
        return next(found for found in cells if found[0] == first)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, cwd=ROOT)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Run the bench once for several tests."""
    written = tmp_path_factory.mktemp("bench") / "samples.json"
    servers = ["--servers", "batteries,floor,aiohttp", "--environment", str(HERE)]
    short = ["--rounds", str(ROUNDS), "--seconds", "1", "--json", str(written)]

    done = run("--works", "startup,hello", *servers, *short)

    assert done.returncode == 0, done.stdout + done.stderr
    return Report(done.stdout, json.loads(written.read_text()))


def test_a_run_measures_each_server_in_the_works_that_it_does(report: Report) -> None:
    samples = report.written["samples"]

    assert {work: set(found) for work, found in samples.items()} == {
        "startup": {"batteries", "aiohttp"},
        "hello": {"batteries", "floor", "aiohttp"},
    }
    assert {len(rounds) for found in samples.values() for rounds in found.values()} == {ROUNDS}


def test_each_sample_has_what_the_table_shows(report: Report) -> None:
    samples = report.written["samples"]

    start = {"rss_mib", "start_s", "start_cpu_s"}
    assert {frozenset(sample) for sample in samples["startup"]["batteries"]} == {frozenset(start)}
    assert {frozenset(sample) for sample in samples["hello"]["aiohttp"]} == {
        frozenset(start | {"rps", "cpu_us", "core", "p50_ms", "p99_ms"})
    }
    assert all(value > 0 for sample in samples["hello"]["aiohttp"] for value in sample.values())


def test_the_file_says_where_and_how_its_figures_were_taken(report: Report) -> None:
    written = report.written

    assert set(written) == {"machine", "options", "versions", "medians", "samples"}
    assert written["machine"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert written["options"]["rounds"] == ROUNDS
    assert "aiohttp" in written["versions"]["service"]


def test_medians_are_those_of_the_samples(report: Report) -> None:
    medians, samples = report.written["medians"], report.written["samples"]

    for work, found in samples.items():
        for server, rounds in found.items():
            expected = {key: median(sample[key] for sample in rounds) for key in rounds[0]}
            assert medians[work][server] == expected


def test_the_table_shows_the_medians_with_their_ratios_to_the_baseline(report: Report) -> None:
    medians = report.written["medians"]["hello"]

    row = report.row("hello: GET /hello: bare JSON (ratios to aiohttp)", "batteries")

    rps, baseline = medians["batteries"]["rps"], medians["aiohttp"]["rps"]
    assert row[1] == f"{rps:,.0f} ({rps / baseline:.2f}x)"


def test_the_promises_that_the_run_can_judge_are_judged(report: Report) -> None:
    medians = report.written["medians"]["hello"]

    row = report.row("Targets", "hello: rps ≥ 0.85 x aiohttp")

    ratio = medians["batteries"]["rps"] / medians["aiohttp"]["rps"]
    assert row[1] == f"{ratio:.2f}"
    assert row[3] == ("yes" if ratio >= 0.85 else "no")
    assert "fastapi" not in report.printed


def http_sample(rps: float, cpu_us: float) -> dict[str, float]:
    rest = dict.fromkeys(("core", "p50_ms", "p99_ms", "rss_mib", "start_s", "start_cpu_s"), 1.0)
    return {"rps": rps, "cpu_us": cpu_us, **rest}


RESULTS = {
    "hello": {
        "batteries": [http_sample(300, 50), http_sample(3_000, 40), http_sample(400, 60)],
        "aiohttp": [http_sample(100, 100), http_sample(200, 200), http_sample(1, 900)],
    }
}


def test_ratios_are_made_of_medians_so_that_one_odd_round_changes_nothing() -> None:
    lines = table(all_works()["hello"], RESULTS["hello"], "aiohttp").splitlines()

    assert lines[-2].startswith("| batteries | 400 (4.00x) | 50.0 (0.25x) | 1.00 |")
    assert lines[-1].startswith("| aiohttp | 100 (1.00x) | 200.0 (1.00x) | 1.00 |")


@pytest.mark.parametrize(
    ("target", "figure", "by_cpu"),
    [
        pytest.param(Target("hello", "rps", 2, server="aiohttp"), 4.0, 4.0, id="a rate against another's"),
        pytest.param(
            Target("hello", "cpu_us", 1, server="aiohttp"), 0.25, None, id="a cost against another's"
        ),
        pytest.param(Target("hello", "rps", 2), 400.0, None, id="a figure of ours alone"),
        pytest.param(Target("hello", "rps", 2, server="sanic"), None, None, id="a server that was not there"),
        pytest.param(Target("list", "rps", 2, server="aiohttp"), None, None, id="a work that was not done"),
    ],
)
def test_a_promise_is_measured_by(target: Target, figure: float | None, by_cpu: float | None) -> None:
    assert target.figure(RESULTS) == figure
    assert target.by_cpu(RESULTS) == by_cpu


UNFAITHFUL = Server("unfaithful", "tests.benchmarks.unfaithful", frozenset({"hello"}), "", HERE)
FAULTS = [
    pytest.param("wrong", "Unfair: unfaithful answered something else", id="answers something else"),
    pytest.param("absent", "there is no key to start with", id="does not start"),
    pytest.param("mortal", "LoadFailed", id="dies under load"),
    pytest.param("tired", "LoadFailed", id="answers with errors under load"),
]


@pytest.mark.parametrize(("kind", "reason"), FAULTS)
def test_a_server_is_not_measured_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, reason: str
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("UNFAITHFUL", kind)
    session = faced_with(UNFAITHFUL, tmp_path)

    samples = session.measure(all_works()["hello"])

    assert set(samples) == {"floor"}
    assert [failure.partition(": ")[0] for failure in session.failures] == ["hello, unfaithful"]
    assert reason in session.failures[0]


def test_a_wrong_answer_is_found_before_there_is_any_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("UNFAITHFUL", "wrong")

    faced_with(UNFAITHFUL, tmp_path).measure(all_works()["hello"])

    # One to see that it is up, one to look at its answer.
    asked = (tmp_path / "unfaithful-hello.log").read_text().splitlines()
    assert [line for line in asked if line.startswith("asked")] == ["asked 1", "asked 2"]


def faced_with(server: Server, folder: Path) -> Session:
    """Return a session with this server and one that does what it is asked."""
    known: Mapping[str, Server] = {server.name: server, "floor": all_servers(HERE)["floor"]}
    options = options_from(["--rounds", "1", "--seconds", "1"])
    options.servers = list(known)
    return Session(options, folder, known)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--works", "hello,tea"], "unknown: tea; known: startup", id="work"),
        pytest.param(["--servers", "apache"], "unknown: apache; known: batteries", id="server"),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_those_that_are(
    arguments: list[str], complaint: str
) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
