"""Each kind of type works in each position, or is refused when the service is built."""

from __future__ import annotations

import aiohttp
import pytest

from tests.types_table.cases import Case
from tests.types_table.probing import CASES, JSON, probe

# JSON Schema takes 1.0 for an integer, and cannot say what a computed field or a name of a time zone is.
_MAY_DIFFER = {"doc+"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_type_works_or_is_refused_at_start(case: Case, client: aiohttp.ClientSession) -> None:
    positions = (*JSON, "query", "return")

    found = {position: await probe(case, position, client) for position in positions}

    assert {each.verdict for each in found.values()} <= {"ok", "x", "-", *_MAY_DIFFER}, found
    if not (case.refused or case.answers):
        assert {found[position].verdict for position in ("field", "item", "return")} <= {
            "ok",
            *_MAY_DIFFER,
        }, found
