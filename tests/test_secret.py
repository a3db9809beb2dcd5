"""Secrets: nothing prints them, and production brings its own."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from framework.errors import ConfigurationError
from framework.secrets import (
    Profile,
    Secret,
    derived_key,
    generated_key,
    keys_or_generate,
    secret_or_generate,
)

KEY = Secret("jW3pQ-8sXv0aZ2LkT5yB7nEo9RcUdMfGhI1J4K6")


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(str, id="str"),
        pytest.param(repr, id="repr"),
        pytest.param(lambda secret: f"{secret}", id="f-string"),
        pytest.param(lambda secret: f"{secret!r:>20}", id="format-spec"),
        pytest.param(lambda secret: "%s" % secret, id="percent"),  # noqa: UP031 - logging does it so
        pytest.param(lambda secret: json.dumps({"key": secret}, default=str), id="json-with-default"),
        pytest.param(lambda secret: repr([secret, {"key": secret}]), id="inside-others"),
    ],
)
def test_a_secret_is_shown_masked(show: Callable[[Secret], str]) -> None:
    shown = show(Secret("open sesame"))

    assert "Secret('***')" in shown
    assert "sesame" not in shown


@pytest.mark.parametrize(
    "serialise",
    [
        pytest.param(orjson.dumps, id="orjson"),
        pytest.param(json.dumps, id="json"),
        pytest.param(pickle.dumps, id="pickle"),
    ],
)
def test_a_secret_is_not_serialised_by_accident(serialise: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        serialise(Secret("open sesame"))


def test_secrets_of_the_same_text_are_equal() -> None:
    assert Secret("ü") == Secret("ü")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_secret_does_not_change() -> None:
    secret = Secret("a")

    with pytest.raises(AttributeError):
        secret._text = "b"
    with pytest.raises(AttributeError):
        del secret._text
    assert secret.reveal() == "a"


def test_only_text_is_made_a_secret() -> None:
    with pytest.raises(TypeError, match="not of bytes"):
        Secret(b"key")  # type: ignore[arg-type]


def test_copies_are_the_same_secret() -> None:
    @dataclass
    class Record:
        key: Secret

    secret = Secret("a")

    assert copy.copy(secret) is secret
    assert asdict(Record(secret))["key"] is secret


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("a")


def test_generated_keys_are_long_and_differ() -> None:
    keys = {generated_key() for _ in range(10)}

    assert len(keys) == 10
    assert all(len(key.reveal()) >= 32 for key in keys)
    assert len(generated_key(64).reveal()) >= 64


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(None, "TOKEN_KEY is not set", id="missing"),
        pytest.param(Secret(""), "TOKEN_KEY is not set", id="empty"),
        pytest.param(Secret("hunter2"), "TOKEN_KEY is shorter than 32 bytes", id="short"),
        pytest.param(Secret("abc" * 20), "TOKEN_KEY repeats too few characters", id="regular"),
    ],
)
def test_production_refuses_a_weak_key_and_says_how_to_make_one(value: Secret | None, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secret_or_generate(value, profile=Profile.production, variable="TOKEN_KEY")

    assert str(caught.value).startswith(said)
    assert 'TOKEN_KEY=$(python -c "import secrets; print(secrets.token_urlsafe(32))")' in str(caught.value)


def test_a_good_key_is_kept_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    for profile in Profile:
        assert secret_or_generate(KEY, profile=profile, variable="TOKEN_KEY") is KEY

    assert caplog.records == []


def test_development_generates_a_missing_key_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    key = secret_or_generate(None, profile=Profile.development, variable="TOKEN_KEY")

    assert len(key.reveal()) >= 32
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "TOKEN_KEY is not set; a key was generated for this run")
    ]


def test_development_takes_a_weak_key_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    key = secret_or_generate(Secret("weak"), profile=Profile.development, variable="TOKEN_KEY")

    assert key == Secret("weak")
    assert "production will refuse it" in caplog.text
    assert "weak" not in caplog.text.replace("production will refuse it", "")


def test_a_list_of_keys_keeps_its_order_and_is_never_empty() -> None:
    other = generated_key()

    assert keys_or_generate([KEY, other], profile=Profile.production, variable="KEYS") == (KEY, other)
    assert len(keys_or_generate([], profile=Profile.development, variable="KEYS")) == 1


def test_a_key_is_derived_as_the_rfc_shows() -> None:
    # RFC 5869, A.3: SHA-256 with zero-length salt and info.
    derived = derived_key(b"\x0b" * 22, info="", length=42)

    assert derived.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@pytest.mark.parametrize("length", [16, 32, 33, 64])
def test_a_key_is_derived_as_everybody_else_does(length: int) -> None:
    peer = HKDF(algorithm=SHA256(), length=length, salt=None, info=b"one purpose")

    derived = derived_key(KEY, info="one purpose", length=length)

    assert derived == peer.derive(KEY.reveal().encode())
