"""The escaping of text in MarkupSafe without the object that it is wrapped in."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final

import markupsafe

from framework.adapters.versions import is_plain

#: Replace the characters that mean something in HTML.
#: PERF: `markupsafe.escape` makes a Markup of the text, which costs more than the escaping (0.2 us for each value of a
#: page); a page is joined to a str anyway.
replace_special: Final[Callable[[str], str]] = (
    markupsafe.escape if is_plain("MarkupSafe") else attrgetter("_escape_inner")(markupsafe)
)
