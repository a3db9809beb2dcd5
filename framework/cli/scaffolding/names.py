"""Names: of packages, resources and fields, and what is made of them."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from framework.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_ENDINGS = (
    ("ies", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
    ("ss", "ss"),
    ("s", ""),
)
"""Endings of plurals and what they were, the first that fits; others are told with --singular."""


def ensure_package_name(name: str) -> None:
    """Check that a Python package can be called so.

    Raises:
        ConfigurationError: It cannot, or it is a name that something else has.
    """
    if not is_identifier(name):
        raise ConfigurationError(
            f"'{name}' is not fit for a package; use small letters, digits and '_', a letter first: my_service."
        )
    if name in {"framework", "tests", "test"}:
        raise ConfigurationError(f"'{name}' is taken; choose another name.")


def is_identifier(name: str) -> bool:
    """Tell whether a name is fit for a module, a table and a variable."""
    return (
        _NAME.fullmatch(name) is not None and not keyword.iskeyword(name) and not keyword.issoftkeyword(name)
    )


@dataclass(frozen=True, slots=True)
class ResourceName:
    """A resource's name in its forms.

    Attributes:
        names: The plural, as a module and a table are called: ``invoice_lines``.
        name: The singular: ``invoice_line``.
    """

    names: str
    name: str

    @classmethod
    def of(cls, names: str, singular: str | None = None) -> ResourceName:
        """Return the forms of a plural.

        Raises:
            ConfigurationError: One is no name, or both are the same.
        """
        name = singular or _singular_of(names)
        for text in (names, name):
            if not is_identifier(text):
                raise ConfigurationError(
                    f"'{text}' is not fit for a resource; use small letters, digits and '_', a letter first."
                )
        if names == name:
            raise ConfigurationError(f"'{names}' must be a plural; where it has no 's', add --singular.")
        return cls(names, name)

    @property
    def forms(self) -> dict[str, str]:
        """Return what templates write of it."""
        words = self.name.replace("_", " ")
        article = "an" if words[0] in "aeiou" else "a"
        plural = self.names.replace("_", " ")
        return {
            "names": self.names,
            "name": self.name,
            "words": words,
            "article": article,
            "Article": article.capitalize(),
            "plural": plural,
            "Plural": plural.capitalize(),
            "path": self.names.replace("_", "-"),
            "Class": self.name.title().replace("_", ""),
            "Store": self.names.title().replace("_", ""),
        }


def _singular_of(names: str) -> str:
    for ending, was in _ENDINGS:
        if names.endswith(ending):
            return names.removesuffix(ending) + was
    return names
