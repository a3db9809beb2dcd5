"""Other issuers whose access tokens are taken besides the service's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from framework.batteries.auth.claims import Expected
from framework.batteries.auth.keys import Key, trusted_key
from framework.errors import ConfigurationError
from framework.secrets import Secret

Asymmetric = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
Algorithm = Literal["HS256", "HS384", "HS512", Asymmetric]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer whose access tokens are taken: an identity provider, or another service.

    Attributes:
        issuer: Its name in its tokens (``iss``); compared exactly.
        audience: The service's name there (``aud``).
        jwks_url: Where it publishes its keys (RFC 7517, 5); ``https`` alone.
        keys: Its keys where it publishes none: secrets that are shared with it, of as many bytes as the algorithm's
            hash has, or public keys in PEM or as JSON Web Keys. A ``kid`` is not asked for: each key is tried.
        algorithm: The one algorithm that it signs with; a token cannot choose another.
        types: The ``typ`` of its access tokens; many say ``JWT``, and an empty text stands for none.
        subject_prefix: Stands before its subjects, so that nobody there passes for somebody here.
        subject_claim: The claim that names the caller.
        scope_claims: The claims that say what the caller may do: ``scope`` as a text; ``scp``, ``roles`` and the like
            as a text or a list.
        required: The claims that its tokens cannot be without. Whatever you leave out is still checked where it is.
    """

    issuer: str
    audience: str
    jwks_url: str = ""
    keys: tuple[Secret, ...] = ()
    algorithm: Algorithm = "RS256"
    types: tuple[str, ...] = ("at+jwt", "application/at+jwt")
    subject_prefix: str = "provider:"
    subject_claim: str = "sub"
    scope_claims: tuple[str, ...] = ("scope",)
    required: tuple[str, ...] = ("iss", "aud", "exp", "iat")

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience or not self.types or not self.subject_claim:
            raise ConfigurationError("issuer, audience, types and subject_claim cannot be empty.")
        if bool(self.jwks_url) == bool(self.keys):
            raise ConfigurationError(f"The issuer {self.issuer!r} has either a jwks_url or keys.")
        for key in self.keys:
            trusted_key(key, self.algorithm)
        if self.jwks_url:
            self._ensure_url()

    def _ensure_url(self) -> None:
        parts = urlsplit(self.jwks_url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise ConfigurationError("jwks_url is an https:// URL without credentials.")
        if self.algorithm.startswith("HS"):
            raise ConfigurationError(
                f"A key for {self.algorithm} is shared, never published: give it as 'keys'."
            )

    def expected(self, leeway_seconds: float) -> Expected:
        """Return what the claims of this issuer's tokens have to be."""
        required = (*self.required, self.subject_claim)
        return Expected(
            self.issuer, self.audience, leeway_seconds, required, self.subject_claim, self.scope_claims
        )


class IssuerKeys(Protocol):
    """The keys of a trusted issuer."""

    @property
    def settings(self) -> TrustedIssuer:
        """Return whose keys these are."""

    async def candidates(self, key_id: object) -> Sequence[Key]:
        """Return the keys that may have signed a token with this ``kid``; None stands for a token without.

        Raises:
            ServiceUnavailable: The keys cannot be had.
        """

    def holds(self, key: Key) -> bool:
        """Tell whether this is still a key of the issuer's."""


class GivenKeys:
    """The keys of an issuer that stand in the settings."""

    def __init__(self, settings: TrustedIssuer) -> None:
        self.settings = settings
        self._keys = tuple(trusted_key(key, settings.algorithm) for key in settings.keys)

    async def candidates(self, key_id: object) -> Sequence[Key]:
        """Return all of them: what a token says of its key is no secret, and proves nothing."""
        return self._keys

    def holds(self, key: Key) -> bool:
        """Tell that these keys stay for as long as the service runs."""
        return True


def ensure_distinct(issuers: Iterable[TrustedIssuer], own: str) -> None:
    """Check that no issuer can speak for another one.

    Raises:
        ConfigurationError: Two have one name, or one prefix for their subjects.
    """
    names, prefixes = {own}, set()
    for each in issuers:
        if each.issuer in names:
            raise ConfigurationError(
                f"The issuer {each.issuer!r} is there twice, or is the service itself: list its keys in one place."
            )
        if each.subject_prefix in prefixes:
            raise ConfigurationError(
                f"Two issuers have the subject_prefix {each.subject_prefix!r}, so that one's callers could pass for "
                "the other's: give each its own."
            )
        names.add(each.issuer)
        prefixes.update({each.subject_prefix} - {""})
