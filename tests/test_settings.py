"""Settings: where values come from, how they are read, and how their faults are told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, dataclass, field, make_dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from marshmallow.validate import Range

from framework.app import ServiceSettings, create_app
from framework.errors import ConfigurationError, InvalidSetting
from framework.server import ServerSettings
from framework.settings import (
    Faults,
    InvalidSettings,
    Origin,
    Profile,
    Secret,
    keys_or_generate,
    load,
    load_with_origins,
)
from framework.settings.listing import listed

KEY = "jW3pQ-8sXv0aZ2LkT5yB7nEo9RcUdMfGhI1J4K6"


class Level(Enum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    keys: tuple[Secret, ...] = ()
    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)

    def __post_init__(self) -> None:
        if self.idle > self.absolute:
            raise ConfigurationError("idle must not be longer than absolute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    url: str
    pool: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    profile: Profile = Profile.development
    port: int = 8080
    name: str = "service"
    sessions: Sessions = field(default_factory=Sessions)
    database: Database | None = None


def kept(kind: Any, text: str) -> Any:
    """Load a record with one field of this kind, from this text."""

    record = make_dataclass("Record", [("value", kind)], frozen=True)
    return load(record, {"VALUE": text}, env_file=None).value


def test_the_environment_beats_dotenv_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=2\nNAME=dotenv\n")
    (tmp_path / "settings.toml").write_text('port = 3\nname = "file"\n[sessions]\nidle = 60\n')
    environ = {"PORT": "1", "SETTINGS_FILE": str(tmp_path / "settings.toml")}

    loaded = load_with_origins(Settings, environ, env_file=tmp_path / ".env")

    assert loaded.settings.port == 1
    assert loaded.settings.name == "dotenv"
    assert loaded.settings.sessions.idle == timedelta(minutes=1)
    assert loaded.settings.sessions.absolute == timedelta(hours=12)
    assert loaded.origins == {
        "PROFILE": Origin.default,
        "PORT": Origin.environment,
        "NAME": Origin.dotenv,
        "SESSIONS_KEYS": Origin.default,
        "SESSIONS_IDLE": Origin.file,
        "SESSIONS_ABSOLUTE": Origin.default,
        "DATABASE_URL": Origin.default,
        "DATABASE_POOL": Origin.default,
    }


def test_without_arguments_the_process_environment_and_dotenv_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "9000")
    Path(".env").write_text("NAME='from .env'\n")

    settings = load(Settings)

    assert (settings.port, settings.name) == (9000, "from .env")
    assert "NAME" not in os.environ


def test_a_prefix_stands_before_every_variable(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("port = 7\n")

    environ = {"SHOP_NAME": "shop", "NAME": "other", "SHOP_SETTINGS_FILE": str(file)}
    settings = load(Settings, environ, env_file=None, prefix="SHOP_")

    assert (settings.name, settings.port) == ("shop", 7)


def test_an_optional_record_is_made_as_soon_as_one_of_its_variables_is_set() -> None:
    without = load(Settings, {}, env_file=None)
    with_url = load(Settings, {"DATABASE_URL": "sqlite://"}, env_file=None)

    assert without.database is None
    assert with_url.database == Database(url="sqlite://", pool=5)


def test_variables_change_the_fields_of_a_default_record_and_leave_its_others() -> None:
    @dataclass(frozen=True)
    class Strict:
        sessions: Sessions = field(default_factory=lambda: Sessions(absolute=timedelta(hours=1)))

    settings = load(Strict, {"SESSIONS_IDLE": "5m"}, env_file=None)

    assert settings.sessions == Sessions(idle=timedelta(minutes=5), absolute=timedelta(hours=1))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(str, " as it is ", " as it is ", id="text-is-kept"),
        pytest.param(str, "", "", id="text-may-be-empty"),
        pytest.param(int, "-3", -3, id="int"),
        pytest.param(float, "0.5", 0.5, id="float"),
        pytest.param(Decimal, "0.10", Decimal("0.10"), id="decimal"),
        pytest.param(bool, "yes", True, id="bool-yes"),
        pytest.param(bool, "off", False, id="bool-off"),
        pytest.param(Path, "var/files", Path("var/files"), id="path"),
        pytest.param(timedelta, "90", timedelta(seconds=90), id="seconds"),
        pytest.param(timedelta, "30s", timedelta(seconds=30), id="seconds-with-unit"),
        pytest.param(timedelta, "1h 30m", timedelta(minutes=90), id="hours-and-minutes"),
        pytest.param(timedelta, " 1w2d 3s 4ms5us ", timedelta(9, 3, 5, 4), id="all-kinds-of-units"),
        pytest.param(timedelta, "0.5", timedelta(seconds=0.5), id="parts-of-seconds"),
        pytest.param(Secret, "hush", Secret("hush"), id="secret"),
        pytest.param(Profile, "production", Profile.production, id="enum-by-its-text"),
        pytest.param(Level, "HIGH", Level.HIGH, id="enum-by-its-name"),
        pytest.param(Literal["Lax", "Strict"], "Strict", "Strict", id="literal-text"),
        pytest.param(Literal[1, 2], "2", 2, id="literal-number"),
        pytest.param(tuple[str, ...], "a, b,,c", ("a", "b", "c"), id="tuple"),
        pytest.param(tuple[str, ...], "", (), id="empty-tuple"),
        pytest.param(frozenset[int], "1,2,1", frozenset({1, 2}), id="frozenset"),
        pytest.param(Sequence[float], "1,2", (1.0, 2.0), id="sequence"),
        pytest.param(tuple[Secret, ...], "a,b", (Secret("a"), Secret("b")), id="secrets"),
        pytest.param(
            tuple[timedelta, ...], "1s,2m", (timedelta(seconds=1), timedelta(minutes=2)), id="spans"
        ),
        pytest.param(int | None, "4", 4, id="optional"),
        pytest.param(int | None, "", None, id="optional-empty-is-none"),
        pytest.param(Annotated[int, Range(1, 9)], "9", 9, id="annotated"),
        pytest.param(Annotated[tuple[int, ...], "a note"], "", (), id="annotated-empty-tuple"),
    ],
)
def test_a_text_is_read_as_the_type_of_its_field(kind: Any, text: str, value: object) -> None:
    assert kept(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        pytest.param(int, "many", "Not a valid integer.", id="int"),
        pytest.param(float, "nan", "Special numeric values", id="float"),
        pytest.param(bool, "perhaps", "Not a valid boolean.", id="bool"),
        pytest.param(timedelta, "soon", "Not a valid period of time.", id="span"),
        pytest.param(timedelta, " ", "Not a valid period of time.", id="blank-span"),
        pytest.param(timedelta, "30m 1h", "Not a valid period of time.", id="small-units-first"),
        pytest.param(timedelta, "9999999999999w", "Not a valid period of time.", id="endless-span"),
        pytest.param(Profile, "staging", "Must be one of: development, production.", id="enum"),
        pytest.param(Literal["Lax", "Strict"], "lax", "Must be one of: Lax, Strict.", id="literal"),
        pytest.param(tuple[int, ...], "1,x,3,y", "Item 2: Not a valid integer. Item 4:", id="tuple"),
        pytest.param(Annotated[int, Range(1, 9)], "10", "less than or equal to 9", id="annotated"),
        pytest.param(int | str, "10", "has no spelling as text; set it in code", id="one-of-several"),
        pytest.param(dict[str, int], "10", "has no spelling as text; set it in code", id="mapping"),
        pytest.param(tuple[int, int], "1,2", "has no spelling as text; set it in code", id="fixed-length"),
        pytest.param(object, "1", "has no spelling as text; set it in code", id="anything"),
    ],
)
def test_a_text_of_another_type_is_refused(kind: Any, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        kept(kind, text)

    assert caught.value.faults[0].startswith("VALUE (from environment): ")
    assert said in caught.value.faults[0]


def test_a_field_that_the_record_fills_itself_has_no_variable() -> None:
    @dataclass(frozen=True)
    class Record:
        port: int = 1
        made: str = field(init=False, default="here")

    loaded = load_with_origins(Record, {"MADE": "elsewhere"}, env_file=None)

    assert loaded.settings.made == "here"
    assert loaded.origins == {"PORT": Origin.default}


def test_an_empty_text_leaves_a_number_to_the_next_source(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=81\n")

    settings = load(Settings, {"PORT": ""}, env_file=tmp_path / ".env")

    assert settings.port == 81


def test_all_faults_are_reported_at_once() -> None:
    @dataclass(frozen=True)
    class Service(Settings):
        key: Secret = field(kw_only=True)

    environ = {"PORT": "x", "PROFILE": "test", "SESSIONS_IDLE": "2d", "DATABASE_POOL": "9"}
    with pytest.raises(ConfigurationError) as caught:
        load(Service, environ, env_file=None)

    assert str(caught.value).splitlines() == [
        "the settings are not valid:",
        "  PROFILE (from environment): Must be one of: development, production.",
        "  PORT (from environment): Not a valid integer.",
        "  SESSIONS_IDLE, SESSIONS_ABSOLUTE: idle must not be longer than absolute",
        "  DATABASE_URL is not set. It has no default.",
        '  KEY is not set. Make one: KEY=$(python -c "import secrets; print(secrets.token_urlsafe(32))")',
    ]


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        pytest.param(ValueError("name is too plain"), "SHOP_NAME: name is too plain", id="its-field"),
        pytest.param(
            InvalidSetting("NAME", "{variable} is too plain"), "SHOP_NAME is too plain", id="its-variable"
        ),
        pytest.param(ConfigurationError("all of it"), "SHOP: all of it", id="neither"),
    ],
)
def test_a_complaint_of_the_record_itself_names_the_variable(complaint: Exception, said: str) -> None:
    @dataclass(frozen=True)
    class Fussy:
        name: str = "a"

        def __post_init__(self) -> None:
            raise complaint

    with pytest.raises(InvalidSettings) as caught:
        load(Fussy, {}, env_file=None, prefix="SHOP_")

    assert caught.value.faults == (said,)


def test_no_fault_ever_shows_a_secret() -> None:
    @dataclass(frozen=True)
    class Careless:
        keys: tuple[Secret, ...]

        def __post_init__(self) -> None:
            raise ValueError(f"bad: {self.keys} {[key.reveal() for key in self.keys]}")

    with pytest.raises(InvalidSettings) as caught:
        load(Careless, {"KEYS": "open,sesame"}, env_file=None)

    assert "open" not in repr(caught.value)
    assert "sesame" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_lists_and_tables_of_a_file_are_read(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Record:
        origins: tuple[str, ...] = ()
        strict: bool = False
        sessions: Sessions = field(default_factory=Sessions)

    file = tmp_path / "settings.toml"
    file.write_text('origins = ["a,b", "c"]\nstrict = true\n[sessions]\nkeys = ["new", "old"]\n')

    settings = load(Record, {"SETTINGS_FILE": str(file)}, env_file=None)

    assert settings == Record(("a,b", "c"), True, Sessions(keys=(Secret("new"), Secret("old"))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "prot = 1", "PROT (from file): there is no such setting; PORT is meant, perhaps", id="misspelt"
        ),
        pytest.param("zzz = 1", "ZZZ (from file): there is no such setting", id="unknown"),
        pytest.param("port = [1, 2]", "PORT (from file): Wants one value, not a list.", id="list-for-one"),
        pytest.param("port = ", "cannot be read (Invalid value", id="not-toml"),
        pytest.param(None, "cannot be read (FileNotFoundError)", id="missing"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(InvalidSettings) as caught:
        load(Settings, {"SETTINGS_FILE": str(file)}, env_file=None)

    assert len(caught.value.faults) == 1
    assert said in caught.value.faults[0]


def test_a_dotenv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"NAME=\xff\n")

    with pytest.raises(InvalidSettings, match=r"\.env: cannot be read \(UnicodeDecodeError\)"):
        load(Settings, {}, env_file=tmp_path / ".env")


def test_dollars_in_dotenv_are_letters(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NAME=pa${HOME}$$\nUNSET\n")

    assert load(Settings, {}, env_file=tmp_path / ".env").name == "pa${HOME}$$"


def test_settings_and_their_origins_do_not_change() -> None:
    loaded = load_with_origins(Settings, {}, env_file=None)

    with pytest.raises(FrozenInstanceError):
        loaded.settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        loaded.origins["PORT"] = Origin.file  # type: ignore[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    profile: Profile = Profile.production
    sessions: Sessions = field(default_factory=Sessions)
    tokens: Sessions = field(default_factory=Sessions)

    def __post_init__(self) -> None:
        faults = Faults()
        for name, record in (("SESSIONS_KEYS", self.sessions), ("TOKENS_KEYS", self.tokens)):
            with faults.gathered():
                keys_or_generate(record.keys, profile=self.profile, variable=name)
        faults.refuse()


def test_production_names_every_key_that_is_missing_or_weak() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(Production, {"MY_TOKENS_KEYS": f"{KEY},short"}, env_file=None, prefix="MY_")

    missing, weak = caught.value.faults
    assert missing.startswith("MY_SESSIONS_KEYS is not set. Make one: MY_SESSIONS_KEYS=$(python -c")
    assert weak.startswith("MY_TOKENS_KEYS is shorter than 32 bytes. Make one: MY_TOKENS_KEYS=$(")


def test_gathered_faults_of_faults_stay_one_list() -> None:
    faults = Faults()

    for complaint in (InvalidSettings(["a", "b"]), ValueError("c")):
        with faults.gathered():
            raise complaint

    with pytest.raises(InvalidSettings) as caught:
        faults.refuse()
    assert caught.value.faults == ("a", "b", "c")


def test_production_with_good_keys_starts() -> None:
    settings = load(Production, {"SESSIONS_KEYS": KEY, "TOKENS_KEYS": KEY}, env_file=None)

    assert settings.sessions.keys == (Secret(KEY),)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("SESSIONS_ILDE", "SESSIONS_IDLE", id="changed letters"),
        pytest.param("SESSION_KEY", "SESSIONS_KEYS", id="a letter too few in each word"),
        pytest.param("SESSIONSKEYS", "SESSIONS_KEYS", id="an underscore too few"),
        pytest.param("DATABASE_URI", "DATABASE_URL", id="a wrong letter"),
        pytest.param("PROFILEE", "PROFILE", id="a letter too many at the end"),
        pytest.param("PRROFILE", "PROFILE", id="a letter too many inside"),
        pytest.param("SETTING_FILE", "SETTINGS_FILE", id="the file itself"),
    ],
)
@pytest.mark.parametrize("origin", ["environment", ".env"])
def test_a_misspelt_variable_is_a_warning_that_names_the_nearest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, meant: str, origin: str
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"SHOP_{name}=1\n" if origin == ".env" else "")

    environ = {f"SHOP_{name}": "1"} if origin == "environment" else {}
    load(Settings, environ, env_file=dotenv, prefix="SHOP_")

    assert caplog.messages == [f"SHOP_{name} (from {origin}) is no setting; SHOP_{meant} is meant, perhaps"]


def test_the_variables_of_others_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    others = (
        "PATH",
        "HOME",
        "LANG",
        "NAMES",
        "GAME",
        "POST",
        "DATABASE_USER",
        "DATABASE_HOST",
        "SESSION_TOKEN",
    )

    load(Settings, {**dict.fromkeys(others, "x"), "SETTINGS_FILE": "", "PORT": "1"}, env_file=None)

    assert caplog.messages == []


HUSH = Secret("hush")


@dataclass(frozen=True)
class Limits:
    """Bounds.

    Attributes:
        body_bytes: The largest body; above it
            413.
        idle: How long nothing may happen.
    """

    body_bytes: int = 1024
    idle: timedelta = timedelta(minutes=1)


@dataclass(frozen=True)
class Shown:
    """A service's settings.

    Attributes:
        mode, level: How much is told.
        key: What signs.

    Raises:
        ValueError: never.
    """

    key: Secret
    mode: Literal["loud", "quiet"] = "quiet"
    level: Level | None = None
    names: tuple[str, ...] = ("a", "b")
    token: Secret = HUSH
    limits: Limits = field(default_factory=lambda: Limits(body_bytes=5))


def test_every_setting_is_listed_with_what_it_means_and_no_secret() -> None:
    rows = [(row.variable, row.kind, row.default, row.unit, row.means) for row in listed(Shown, "S_")]

    assert rows == [
        ("S_KEY", "Secret", "", "", "What signs."),
        ("S_MODE", "loud | quiet", "quiet", "", "How much is told."),
        ("S_LEVEL", "1 | 2", "", "", "How much is told."),
        ("S_NAMES", "str, ...", "a,b", "", ""),
        ("S_TOKEN", "Secret", "***", "", ""),
        ("S_LIMITS_BODY_BYTES", "int", "5", "bytes", "The largest body; above it 413."),
        ("S_LIMITS_IDLE", "timedelta", "60", "seconds, or as 1h 30m", "How long nothing may happen."),
    ]


def test_a_service_names_its_missing_keys_with_their_prefix() -> None:
    settings = load(
        ServiceSettings,
        {"SHOP_PROFILE": "production", "SHOP_SERVER_ACCEPT_PLAIN": "yes"},
        env_file=None,
        prefix="SHOP_",
    )

    with pytest.raises(InvalidSettings) as refused:
        create_app(replace(settings, name="shop"), routes=[])

    sessions, auth = refused.value.faults
    assert sessions.startswith("SHOP_SESSIONS_KEYS is not set. Make one: SHOP_SESSIONS_KEYS=$(")
    assert auth.startswith("SHOP_AUTH_KEYS is not set.")


def test_a_generated_key_does_not_pass_for_one_of_production() -> None:
    settings = replace(ServiceSettings(server=ServerSettings(accept_plain=True)), profile=Profile.production)

    with pytest.raises(InvalidSettings, match="SESSIONS_KEYS is not set"):
        create_app(settings, routes=[])
