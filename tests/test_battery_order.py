"""The list of batteries: what stands before what, and how a standard one is replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from framework import Battery, ServiceSettings, create_app, inserted, replaced, standard, without
from framework.errors import ConfigurationError

LIST = [Battery(name=name) for name in ("logs", "csrf", "auth")]


def names(batteries: list[Battery]) -> list[str]:
    return [battery.name for battery in batteries]


def test_a_battery_is_put_beside_a_named_one() -> None:
    mine = Battery(name="tenants")

    assert names(inserted(LIST, mine, before="auth")) == ["logs", "csrf", "tenants", "auth"]
    assert names(inserted(LIST, mine, after="auth")) == ["logs", "csrf", "auth", "tenants"]
    assert names(LIST) == ["logs", "csrf", "auth"]


def test_a_battery_is_taken_out_or_replaced() -> None:
    own = Battery(name="csrf", after={"logs"})
    other = Battery(name="tokens")

    assert names(without(LIST, "csrf", "auth")) == ["logs"]
    assert replaced(LIST, own)[1] is own
    assert names(replaced(LIST, other, name="csrf")) == ["logs", "tokens", "auth"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            lambda: without(LIST, "csfr"), "no battery 'csfr' in the list; there are 'logs'", id="without"
        ),
        pytest.param(lambda: replaced(LIST, Battery(name="x")), "no battery 'x'", id="replaced"),
        pytest.param(lambda: inserted(LIST, Battery(name="x"), before="y"), "no battery 'y'", id="inserted"),
        pytest.param(
            lambda: inserted(LIST, Battery(name="x")), "before='auth' or after='auth'", id="nowhere"
        ),
        pytest.param(
            lambda: inserted(LIST, Battery(name="x"), before="logs", after="csrf"),
            "beside which 'x'",
            id="twice",
        ),
        pytest.param(lambda: Battery(name="x", after="logs"), "write after={'logs'}", id="one text"),
    ],
)
def test_a_mistake_in_the_list_is_told_with_the_line_that_makes_it(
    wrong: Callable[[], Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        wrong()

    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{__file__}:{wrong.__code__.co_firstlineno}: ")


@pytest.mark.parametrize(
    ("battery", "said"),
    [
        pytest.param(Battery(name="x", before={"logs"}), "List the battery 'x' before logs", id="before"),
        pytest.param(Battery(name="auth"), r"'auth' is listed twice; .*replaced\(", id="twice"),
    ],
)
def test_a_list_in_the_wrong_order_does_not_start(battery: Battery, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_app(ServiceSettings(), routes=[], batteries=[*standard(ServiceSettings()), battery])


def test_a_service_starts_without_a_battery_that_others_stand_behind() -> None:
    settings = ServiceSettings()

    app = create_app(settings, routes=[], batteries=without(standard(settings), "csrf", "sockets"))

    assert app is not None
