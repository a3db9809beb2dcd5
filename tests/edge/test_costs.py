"""No request within the limits costs much more CPU than its size: `make torture` measures it closely."""

from __future__ import annotations

import sys

import pytest

from benchmarks.torture import measured

# A busy machine takes its share, and so does whoever traces lines; what grows with the square of the input is a hundred
# times beyond.
TOLERANCE, TRACED_TOLERANCE = 5, 15


@pytest.mark.process
@pytest.mark.guarantee("bounded forms")
def test_no_shape_of_request_is_far_dearer_than_the_promise() -> None:
    tolerance = TOLERANCE if sys.gettrace() is None else TRACED_TOLERANCE
    costs = list(measured())

    assert len(costs) >= 60
    assert [(each.shape.name, each.used) for each in costs if each.share > tolerance] == []
    assert [each.shape.name for each in costs if not 200 <= each.status < 500] == []
