"""The guide's table of batteries says what the standard list is."""

from __future__ import annotations

import re
from pathlib import Path

from framework import ServiceSettings, standard

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "batteries.md"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]*)\| ([^|]*)\|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")


def test_the_table_names_the_standard_batteries_in_their_order_with_what_they_need_and_bring() -> None:
    rows = ROW.findall(GUIDE.read_text("utf-8"))
    batteries = standard(ServiceSettings())

    assert [name for name, _, _ in rows] == [battery.name for battery in batteries]
    assert [NAME.findall(after) for _, after, _ in rows] == [sorted(battery.after) for battery in batteries]
    for (_, _, brings), battery in zip(rows, batteries, strict=True):
        assert {kind.__name__ for kind in battery.provides} <= {*NAME.findall(brings)}
