"""What takes the place of private parts; `make test-plain` runs all tests without them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from framework.adapters.versions import PLAIN_VARIABLE
from tests.source import ROOT


@pytest.mark.process
@pytest.mark.parametrize(
    ("plain", "environment"), [("1", "jinja2.environment"), ("0", "framework.adapters.jinja2")]
)
def test_pages_come_from_jinjas_own_environment_when_only_public_parts_may_be_used(
    plain: str, environment: str
) -> None:
    code = "from framework.adapters.jinja2 import Environment; print(Environment.__module__)"

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, PLAIN_VARIABLE: plain},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == environment


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "name"),
    [("aiohttp.web_protocol", "_ErrInfo"), ("aiohttp.http_writer", "_serialize_headers")],
    ids=["_ErrInfo", "_serialize_headers"],
)
def test_the_framework_is_imported_though_a_private_name_has_gone(module: str, name: str) -> None:
    code = f"import {module}; del {module}.{name}; import framework; print(framework.create_app.__name__)"

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, PLAIN_VARIABLE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.stdout.strip(), told.stderr) == ("create_app", "")
