"""What this project promises about its speed, and whether a run has met it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.report import Results, medians
from benchmarks.servers import OWN


@dataclass(frozen=True)
class Target:
    """A bound for one metric of ours: absolute, or as a ratio to another server (or to another work of ours)."""

    work: str
    metric: str
    bound: float
    at_least: bool = True
    server: str | None = None
    other_work: str | None = None

    def figure(self, results: Results) -> float | None:
        """Return our figure, or its ratio to the other's; None if the run has not measured both."""
        ours = _metric(results, self.work, OWN, self.metric)
        if ours is None or not (self.server or self.other_work):
            return ours
        other = _metric(results, self.other_work or self.work, self.server or OWN, self.metric)
        return ours / other if other else None

    def by_cpu(self, results: Results) -> float | None:
        """Return the ratio of the servers' CPU per request, for a rate: steadier where others use the machine."""
        if self.metric not in {"rps", "per_s"} or self.server is None:
            return None
        ours, other = (_metric(results, self.work, name, "cpu_us") for name in (OWN, self.server))
        return other / ours if ours and other else None

    def says(self) -> str:
        """Return the promise in words."""
        sign = "≥" if self.at_least else "≤"
        than = f" x {self.server or self.other_work}" if self.server or self.other_work else ""
        return f"{self.work}: {self.metric} {sign} {self.bound:g}{than}"


TARGETS = (
    Target("orders", "rps", 2.5, server="blacksheep"),
    Target("orders", "cpu_us", 0.4, at_least=False, server="blacksheep"),
    Target("orders", "rps", 5, server="fastapi"),
    Target("orders", "rps", 7, server="composed"),
    Target("hello", "rps", 0.85, server="aiohttp"),
    Target("hello", "rps", 2, server="fastapi"),
    Target("routes500", "cpu_us", 1.1, at_least=False, other_work="routes5"),
    Target("list", "rps", 8, server="composed"),
    Target("list", "cpu_us", 1.5, at_least=False, server="floor"),
    Target("page", "rps", 1.3, server="aiohttp"),
    Target("room", "per_s", 3, server="aiohttp"),
    Target("upload", "peak_mib", 32, at_least=False),
    Target("download", "peak_mib", 32, at_least=False),
    Target("startup", "start_cpu_s", 0.35, at_least=False),
    Target("startup", "rss_mib", 48, at_least=False),
    Target("idle", "kib_per_connection", 9, at_least=False),
)


def _metric(results: Results, work: str, server: str, metric: str) -> float | None:
    samples = results.get(work, {}).get(server)
    return medians(samples)[metric] if samples else None


def table(results: Results) -> str:
    """Return every promise that this run can judge, with what was measured."""
    lines = ["### Targets", "", "| target | measured | by CPU per request | met |", "|---|---|---|---|"]
    for target in TARGETS:
        figure = target.figure(results)
        if figure is not None:
            met = figure >= target.bound if target.at_least else figure <= target.bound
            cpu = target.by_cpu(results)
            by_cpu = "" if cpu is None else f"{cpu:.2f}"
            lines.append(f"| {target.says()} | {figure:.2f} | {by_cpu} | {'yes' if met else 'no'} |")
    return "\n".join(lines)
