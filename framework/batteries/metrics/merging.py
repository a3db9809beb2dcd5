"""The numbers of several workers become those of one service.

What only grows is added up, what workers that have ended had counted included: a sum that falls would be taken for a
start from zero. What rises and falls is told of each worker by its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import Exemplar, Metric, Timestamp
from prometheus_client.samples import Sample

GROWING = frozenset({"counter", "histogram", "summary"})

Key = tuple[str, tuple[tuple[str, str], ...]]


def plain(families: Iterable[Metric]) -> list[Any]:
    """Return families as JSON can say them."""
    return [
        [
            family.name,
            family.documentation,
            family.type,
            family.unit,
            [
                [each.name, dict(each.labels), each.value, each.exemplar and [*each.exemplar[:3]]]
                for each in family.samples
            ],
        ]
        for family in families
    ]


def families_of(said: Iterable[Any]) -> Iterator[Metric]:
    """Yield the families that `plain` has said."""
    for name, documentation, kind, unit, samples in said:
        family = Metric(name, documentation, kind, unit)
        family.samples = [
            Sample(sample, labels, value, None, _exemplar(exemplar))
            for sample, labels, value, exemplar in samples
        ]
        yield family


def _exemplar(said: Any) -> Exemplar | None:
    return None if said is None else Exemplar(said[0], said[1], _moment(said[2]))


def _moment(value: Any) -> Any:
    return Timestamp(*value) if isinstance(value, list) else value


def grown(families: Iterable[Metric]) -> list[Metric]:
    """Return the families whose numbers only grow."""
    return [family for family in families if family.type in GROWING]


def merged(workers: Mapping[int, Iterable[Metric]]) -> list[Metric]:
    """Return one set of families out of those of each worker, by its number.

    Args:
        workers: The numbers of those that have ended stand under 0, and hold what `grown` left of them.
    """
    found: dict[str, Metric] = {}
    sums: dict[str, dict[Key, Sample]] = {}
    for number, families in sorted(workers.items()):
        for family in families:
            whole = found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type, family.unit)
            )
            samples = sums.setdefault(family.name, {})
            for sample in family.samples:
                if whole.type not in GROWING:
                    sample = sample._replace(labels={**sample.labels, "worker": str(number)})
                _join(samples, sample)
    for name, family in found.items():
        family.samples = list(sums[name].values())
    return list(found.values())


def _join(samples: dict[Key, Sample], sample: Sample) -> None:
    key = (sample.name, tuple(sorted(sample.labels.items())))
    other = samples.get(key)
    if other is not None:
        value = (min if sample.name.endswith("_created") else _plus)(other.value, sample.value)
        sample = sample._replace(value=value, exemplar=sample.exemplar or other.exemplar)
    samples[key] = sample


def _plus(one: float, other: float) -> float:
    return one + other
