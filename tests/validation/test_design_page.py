"""The page on the design of validation shows what is really generated."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from framework.validation import compile
from framework.validation.compiler.load import Mode
from framework.validation.compiler.loaders import loader
from framework.validation.compiler.passthrough import checker

pytestmark = pytest.mark.guarantee("compiled validation")

PAGE = Path(__file__).parents[2] / "docs" / "design" / "validation.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def example() -> Any:
    """Run the page's example as a module of its own, and return its class."""
    module = ModuleType("design_page_example")
    sys.modules[module.__name__] = module
    exec(blocks("python")[0], vars(module))
    return module.Order


def test_the_page_shows_the_generated_functions() -> None:
    schema = compile(example()).schema

    load, check = blocks("python generated")

    assert load == loader(schema, Mode(schema.unknown, None), json=True).source.text
    assert check == checker(schema).source.text
