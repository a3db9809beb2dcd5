"""Medians, ratios, and the table that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.load import Sample
from benchmarks.machine import machine, versions
from benchmarks.works import Work

Results = dict[str, dict[str, list[Sample]]]  # work -> server -> one sample per round


@dataclass(frozen=True)
class Column:
    """A metric in the table: its key in a sample, its heading and how many decimals it needs."""

    key: str
    heading: str
    digits: int = 0
    ratio: bool = True


_COST = (
    Column("rss_mib", "RSS MiB"),
    Column("start_s", "start s", 2),
    Column("start_cpu_s", "start CPU s", 2),
)
_WAIT = (Column("p50_ms", "p50 ms", 1), Column("p99_ms", "p99 ms", 1))
COLUMNS: dict[str, tuple[Column, ...]] = {
    "http": (
        Column("rps", "rps"),
        Column("cpu_us", "CPU µs/request", 1),
        Column("core", "core", 2, ratio=False),
        *_WAIT,
        *_COST,
    ),
    "transfer": (
        Column("mib_per_s", "MiB/s"),
        Column("cpu_s", "CPU s", 2),
        Column("peak_mib", "peak MiB above idle", 1),
    ),
    "room": (
        Column("per_s", "messages/s"),
        Column("cpu_us", "CPU µs/message", 1),
        Column("core", "core", 2, ratio=False),
        Column("client_core", "client's core", 2, ratio=False),
        *_WAIT,
        Column("stuck_per_s", "messages/s, 5 stuck"),
        Column("stuck_p99_ms", "p99 ms, 5 stuck", 1),
        Column("stuck_grown_mib", "MiB grown, 5 stuck", 1, ratio=False),
        *_COST,
    ),
    "startup": _COST,
    "idle": (Column("kib_per_connection", "KiB/connection", 1),),
}


def medians(samples: Sequence[Sample]) -> Sample:
    """Return the median of each metric over the rounds."""
    return {key: median(sample[key] for sample in samples) for key in samples[0]}


def table(work: Work, results: Mapping[str, Sequence[Sample]], baseline: str) -> str:
    """Return the results of one work as a Markdown table; each figure with its ratio to the baseline's."""
    found = {server: medians(samples) for server, samples in results.items()}
    columns = COLUMNS[work.kind]
    lines = [f"### {work.name}: {work.title} (ratios to {baseline})", ""]
    lines.append("| " + " | ".join(["server", *(column.heading for column in columns)]) + " |")
    lines.append("|" + "---|" * (len(columns) + 1))
    for server, figures in found.items():
        cells = (_cell(column, figures, found.get(baseline)) for column in columns)
        lines.append("| " + " | ".join([server, *cells]) + " |")
    return "\n".join(lines)


def _cell(column: Column, figures: Sample, baseline: Sample | None) -> str:
    text = f"{figures[column.key]:,.{column.digits}f}"
    if not column.ratio or baseline is None or not baseline[column.key]:
        return text
    return f"{text} ({figures[column.key] / baseline[column.key]:.2f}x)"


def document(results: Results, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that was measured, and where, as plain JSON values."""
    return {
        "machine": machine(),
        "options": dict(options),
        "versions": versions(),
        "medians": {
            work: {name: medians(samples) for name, samples in found.items()}
            for work, found in results.items()
        },
        "samples": results,
    }
