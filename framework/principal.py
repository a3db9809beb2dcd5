"""Who calls: the one word that authentication, handlers and logs share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller.

    Attributes:
        subject: The caller's stable identity (``sub``, RFC 7519 4.1.2).
        scopes: What the caller may do (RFC 6749, 3.3).
        scheme: How the caller proved it: ``bearer`` or ``session``.
        claims: All that the proof said.
        generation: Which of the subject's generations of sign-ins this one is of. A service that counts them at its
            accounts ends every sign-in at once, wherever it is kept, by adding one: `known` refuses the older ones.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    scheme: str = "bearer"
    claims: Mapping[str, Any] = field(default_factory=dict)
    generation: int = 0

    def may(self, *scopes: str) -> bool:
        """Tell whether the caller has every one of these scopes."""
        return self.scopes.issuperset(scopes)
