"""Whether an answer keeps what the OpenAPI document promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import hdrs
from multidict import CIMultiDictProxy
from yarl import URL


class Told(Protocol):
    """What is asked of an answer."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> URL: ...
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def json(self) -> Any: ...


def ensure_kept(document: Mapping[str, Any], answer: Told) -> None:
    """Check that a document names an answer.

    Raises:
        AssertionError: It has no such operation, status or media type, or the body does not fit its schema.
    """
    line = f"{answer.method} {answer.url.path}"
    operation = _operation(document, answer)
    if operation is None:
        raise AssertionError(f"{line}: the document has no such operation.")
    responses = operation["responses"]
    response = responses.get(str(answer.status), responses.get("default"))
    if response is None:
        raise AssertionError(
            f"{line} answered {answer.status}; the document names {', '.join(responses)} alone."
        )
    response = _resolved(document, response)
    content = response.get("content", {})
    kind = answer.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0]
    if answer.body and kind not in content:
        raise AssertionError(
            f"{line} answered {kind or 'no media type'}; the document names {', '.join(content) or 'none'}."
        )
    if answer.body and kind.endswith("json") and "schema" in content[kind]:
        _ensure_valid(document, content[kind]["schema"], answer.json, line)


def _operation(document: Mapping[str, Any], answer: Told) -> Mapping[str, Any] | None:
    path, method = answer.url.path, answer.method.lower()
    # A path without variables goes before a template that fits it, too (OpenAPI 3.1, 4.8.8.1).
    for template, operations in sorted(document["paths"].items(), key=lambda item: "{" in item[0]):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        found: Mapping[str, Any] | None = operations.get("get" if method == "head" else method)
        if re.fullmatch(pattern, path) and found is not None:
            return found
    return None


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = document
    for each in part["$ref"].removeprefix("#/").split("/"):
        found = found[each.replace("~1", "/").replace("~0", "~")]
    return _resolved(document, found)


def _ensure_valid(document: Mapping[str, Any], schema: Any, value: Any, line: str) -> None:
    try:
        import jsonschema  # noqa: PLC0415 - only who tests the contract has to have it
    except ImportError as error:
        raise AssertionError(
            "Checking a contract needs jsonschema: pip install 'aiohttp-batteries[test]'."
        ) from error
    whole = {**schema, "components": document.get("components", {})}
    faults = [
        f"{each.json_path}: {each.message}"
        for each in jsonschema.Draft202012Validator(whole).iter_errors(value)
    ]
    if faults:
        raise AssertionError(f"{line}: the answer does not fit the document:\n" + "\n".join(faults[:10]))
