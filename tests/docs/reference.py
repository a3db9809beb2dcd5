"""The reference of the settings: ``python -m tests.docs.reference`` writes ``docs/settings.md`` anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from framework import ServiceSettings
from framework.batteries.database import DatabaseSettings
from framework.batteries.idempotency import IdempotencySettings
from framework.batteries.metrics import MetricsSettings
from framework.settings.listing import Listed, listed

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

EXAMPLES = {
    "PROFILE": "production",
    "NAME": "orders",
    "SERVER_HOST": "0.0.0.0",
    "SERVER_HOSTS": "example.org,.example.org",
    "PROXIES_TRUSTED": "10.0.0.0/8",
    "LOGS_REDACTED": "iban,card",
    "CORS_ORIGINS": "https://app.example.org",
    "DEADLINES_HEADER": "X-Timeout",
    "SESSIONS_KEYS": "new-key-of-at-least-32-characters-0001,old-key-of-at-least-32-characters-0002",
    "SESSIONS_REDIS_URL": "redis://redis.internal:6379/0",
    "SESSIONS_SECURE": "true",
    "CSRF_TRUSTED_ORIGINS": "https://app.example.org",
    "AUTH_KEYS": "new-key-of-at-least-32-characters-0003",
    "AUTH_ALGORITHM": "HS512",
    "AUTH_SIGN_IN_PATH": "/login",
    "AUTH_PROVIDER_ISSUER": "https://login.example.org",
    "AUTH_PROVIDER_AUDIENCE": "orders",
    "AUTH_PROVIDER_JWKS_URL": "https://login.example.org/keys",
    "AUTH_PROVIDER_KEYS": "a-key-that-the-issuer-shares-with-us-0001",
    "AUTH_PROVIDER_ALGORITHM": "ES256",
    "AUTH_PROVIDER_TYPES": "JWT",
    "AUTH_PROVIDER_SCOPE_CLAIMS": "scp,roles",
    "AUTH_PROVIDER_REQUIRED": "iss,aud,exp",
    "RATELIMITS_DEFAULT": "600/minute",
    "RATELIMITS_SIGN_IN": "10/minute",
    "RATELIMITS_REDIS_URL": "redis://redis.internal:6379/1",
    "TEMPLATES_FOLDERS": "docs",
    "HEALTH_OPTIONAL": "redis",
    "OPENAPI_TITLE": "Orders",
    "OPENAPI_DESCRIPTION": "Orders of the shop.",
    "OPENAPI_SERVERS": "https://api.example.org",
    "OPENAPI_DOCS": "true",
    "CLIENT_ALLOW": "inventory.internal,10.1.0.0/16",
    "SOCKETS_ORIGINS": "https://app.example.org",
    "MANAGEMENT_PORT": "9090",
    "MANAGEMENT_TOKEN": "a-token-of-at-least-32-characters-0004",
    "DATABASE_URL": "postgresql://shop:secret@db.internal/shop",
}
"""What stands for a setting where its default is no example."""

IN_CODE = "{}"
"""The default of a mapping, which no variable can spell."""

TITLES = {
    "": "The service",
    "SERVER": "The server",
    "FORM": "Forms",
    "JSON": "Names in JSON",
    "PROXIES": "Proxies",
    "LOGS": "Logs",
    "SECURITY": "Security headers",
    "CORS": "CORS",
    "DEADLINES": "Deadlines",
    "OVERLOAD": "Overload",
    "SESSIONS": "Sessions",
    "CSRF": "CSRF",
    "AUTH": "Callers and tokens",
    "RATELIMITS": "Rate limits",
    "TEMPLATES": "Pages",
    "HEALTH": "Health",
    "OPENAPI": "OpenAPI",
    "CLIENT": "The HTTP client",
    "SOCKETS": "WebSocket rooms",
    "MANAGEMENT": "The management port",
    "DATABASE": "The database",
    "IDEMPOTENCY": "Idempotency keys",
    "METRICS": "Metrics",
}

HEAD = """# Settings

Every setting is an environment variable, a line in `.env`, or an entry of the TOML file that `SETTINGS_FILE` names. The
name is the path of the field, so `ServiceSettings.server.port` is `SERVER_PORT`. Lists have commas between; times are
seconds, or `1h 30m`. All that is wrong with them is said at once, and a variable that no field has is named when it
looks misspelt. `framework settings SERVICE` prints this table for a service with its own settings, `framework check
SERVICE` says where values come from. Made by `make reference`; the last three tables are for services that add these
batteries, under the name of their field.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSettings(ServiceSettings):
    """Those of the standard stack, and of the batteries that a service adds."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    idempotency: IdempotencySettings = field(default_factory=IdempotencySettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)


def example_of(setting: Listed) -> str:
    """Return a value that the setting may have, another than its default where that is a switch."""
    if setting.variable in EXAMPLES:
        return EXAMPLES[setting.variable]
    if setting.kind == "bool":
        return "false" if setting.default == "true" else "true"
    if " | " in setting.kind:
        return next(value for value in setting.kind.split(" | ") if value != setting.default)
    return setting.default


def section_of(variable: str) -> str:
    """Return the first part of a variable, by which the page groups; empty for those of the service itself."""
    first = variable.partition("_")[0]
    return first if first in TITLES and first != variable else ""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_tables()])


def _tables() -> Iterator[str]:
    sections: dict[str, list[Listed]] = {}
    for setting in listed(AllSettings):
        sections.setdefault(section_of(setting.variable), []).append(setting)
    for section, settings in sections.items():
        yield f"## {TITLES[section]}\n"
        yield "| variable | type | default | unit | example | means |\n|---|---|---|---|---|---|"
        yield from map(_row, settings)
        yield ""


def _row(setting: Listed) -> str:
    cells = (
        _code(setting.variable),
        setting.kind,
        _code(setting.default),
        setting.unit,
        "in code alone" if setting.default == IN_CODE else _code(example_of(setting)),
        setting.means.replace("``", "`"),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE} is written.\n")
