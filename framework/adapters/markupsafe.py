"""What pages need of MarkupSafe's private parts: the escaping without the wrapper around its result."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress

from markupsafe import escape

from framework.adapters.versions import is_plain

#: Returns a text with the characters replaced that mean something in HTML.
replace_special: Callable[[str], str] = escape

if not is_plain("MarkupSafe"):
    with suppress(ImportError, AttributeError):  # an interpreter without the compiled part
        # PERF: `escape` makes a Markup of the text, which costs more than the escaping; a page is a str in the end.
        replace_special = importlib.import_module("markupsafe._speedups")._escape_inner
