"""Settings that make no sense are refused when they are made, and the pace is arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from framework.errors import ConfigurationError
from framework.server import ServerSettings
from framework.server.stopping import StopPlan
from framework.server.timeouts import Pace, Progress

WRONG: dict[str, dict[str, Any]] = {
    "port-negative": {"port": -1},
    "port-too-large": {"port": 65536},
    "workers-none": {"workers": 0},
    "header_read_seconds-zero": {"header_read_seconds": 0},
    "header_count-zero": {"header_count": 0},
    "keepalive_seconds-negative": {"keepalive_seconds": -1.5},
    "worker_requests-negative": {"worker_requests": -1},
    "request_line_bytes-too-small": {"request_line_bytes": 19},
    "drain_seconds-too-long": {"drain_seconds": 25},
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG.keys())
def test_a_setting_that_makes_no_sense_is_refused_by_name(values: dict[str, Any]) -> None:
    [name] = values

    with pytest.raises(ConfigurationError, match=name):
        ServerSettings(**values)


@pytest.mark.parametrize(
    "values", [{"port": 0}, {"drain_seconds": 0}, {"worker_requests": 0}, {"port": 65535}]
)
def test_an_edge_value_is_accepted(values: dict[str, Any]) -> None:
    settings = ServerSettings(**values)

    [(name, value)] = values.items()
    assert getattr(settings, name) == value


def test_the_promised_limits_are_the_defaults() -> None:
    settings = ServerSettings()

    assert (settings.request_line_bytes, settings.header_bytes) == (8192, 8192)
    assert (settings.headers_bytes, settings.header_count) == (32768, 100)
    assert settings.header_read_seconds == 10
    assert (settings.min_bytes_per_second, settings.slow_grace_seconds, settings.max_gap_seconds) == (
        240,
        5,
        20,
    )
    assert settings.max_body_bytes == 1024 * 1024
    assert (settings.keepalive_seconds, settings.requests_per_connection) == (15, 1000)
    assert settings.stop_seconds == 25
    assert not settings.accept_encoded_bodies


@pytest.mark.parametrize("drain_seconds", [0, 5, 24])
def test_the_parts_of_a_graceful_stop_are_within_its_whole(drain_seconds: float) -> None:
    plan = StopPlan.from_settings(ServerSettings(drain_seconds=drain_seconds))

    assert plan.drain + plan.finish + plan.cancel + plan.close <= 25
    assert 2 * plan.part < plan.finish


PACE = Pace(bytes_per_second=100, grace_seconds=5, gap_seconds=20)


def test_nothing_at_all_is_too_slow_after_the_grace() -> None:
    progress = Progress(PACE, now=1000)

    assert progress.due() == 1005


def test_bytes_earn_time_at_the_rate_that_is_asked_for() -> None:
    progress = Progress(PACE, now=1000)
    progress.move(1200, now=1004)

    assert progress.due() == 1012


def test_a_pause_ends_at_its_limit_whatever_was_earned_before() -> None:
    progress = Progress(PACE, now=1000)
    progress.move(1_000_000, now=1004)

    assert progress.due() == 1024


def test_what_is_forgiven_is_forgotten() -> None:
    progress = Progress(PACE, now=1000)
    progress.move(1, now=1001)
    progress.restart(now=1100)

    assert progress.due() == 1105
