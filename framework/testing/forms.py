"""The forms of a page, as a browser would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_SENT_WHERE_CHOSEN = ("checkbox", "radio")
_NOT_SENT = ("submit", "button", "image", "reset", "file")


@dataclass(slots=True)
class PageForm:
    """A form of a page.

    Attributes:
        names: The fields that may be filled in.
        values: What is sent unless somebody changes it, hidden fields included.
    """

    action: str
    method: str
    is_multipart: bool
    names: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


def forms_in(page: str) -> list[PageForm]:
    """Return the forms of a page, in their order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._open: PageForm | None = None
        self._text: str | None = None
        self._choice: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_multipart = said.get("enctype") == "multipart/form-data"
            self._open = PageForm(said.get("action", ""), said.get("method", "get").upper(), is_multipart)
            self.forms.append(self._open)
        elif self._open is not None:
            self._read(self._open, tag, said)

    def _read(self, form: PageForm, tag: str, said: dict[str, str]) -> None:
        name = said.get("name", "")
        if tag == "option" and self._choice is not None:
            if "selected" in said or self._choice not in form.values:
                form.values[self._choice] = said.get("value", "")
        elif tag in ("input", "textarea", "select") and name:
            kind = said.get("type", "text") if tag == "input" else tag
            if kind not in ("submit", "button", "image", "reset"):
                form.names.add(name)
            if kind == "textarea":
                form.values[name], self._text = "", name
            elif kind == "select":
                self._choice = name
            elif kind not in _NOT_SENT and (kind not in _SENT_WHERE_CHOSEN or "checked" in said):
                form.values[name] = said.get("value", "on" if kind in _SENT_WHERE_CHOSEN else "")

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._text is not None:
            self._open.values[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._text = None
        elif tag == "select":
            self._choice = None
