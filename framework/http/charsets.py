"""Character encodings that text may be sent in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NAMES = (
    "ascii us-ascii utf-8 utf8 utf-16 utf-16le utf-16be latin-1 latin1 iso-8859-1 iso-8859-2 iso-8859-3 iso-8859-4 "
    "iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 "
    "iso-8859-16 windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 "
    "windows-1257 windows-1258 ibm866 koi8-r koi8-u macintosh gbk gb2312 gb18030 big5 euc-jp iso-2022-jp shift_jis "
    "euc-kr"
)

#: By what a client calls it, in lower case.
#: NOTE: Python knows others, such as punycode and unicode_escape, of which one takes time in the square of the text
#: and some mean something else than text; and it searches its path, and remembers in vain, for each name it has not
#: heard before.
CHARSETS: Final[Mapping[str, str]] = MappingProxyType(
    {name: {"macintosh": "mac-roman"}.get(name, name) for name in _NAMES.split()}
)


def find_charset(name: str | None) -> str | None:
    """Return Python's name of an encoding; UTF-8 if none is named, None if it is unknown."""
    return "utf-8" if name is None else CHARSETS.get(name.lower())


def is_encodable(value: object) -> bool:
    """Tell whether a value is no text that UTF-8 lacks: bytes of a header that are not UTF-8 are lone surrogates."""
    if not isinstance(value, str) or value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
