"""What a running service tells of itself, asked for on its management port."""

from __future__ import annotations

import os
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

import click
import orjson

from framework.batteries.management import ManagementSettings
from framework.cli.loading import teaching
from framework.errors import ConfigurationError
from framework.settings import load

_SECONDS = 10.0
_OK = 200


@click.command()
@click.argument("report", default="")
@click.option("--worker", type=click.IntRange(1), help="Ask this worker alone, by its number.")
@click.option(
    "--set", "change", metavar="LOGGER=LEVEL", help="Set a logger's level first; an empty one unsets it."
)
@teaching
def inspect(report: str, worker: int | None, change: str | None) -> None:
    """Ask a running service: health, metrics, routes, settings, loggers, tasks, exchanges, versions.

    Without REPORT the names of its reports are listed. MANAGEMENT_PORT, MANAGEMENT_HOST and MANAGEMENT_TOKEN say where
    the service is, just as they say it to the service.
    """
    settings = load(ManagementSettings, prefix="MANAGEMENT_")
    which = "" if worker is None else f"?worker={worker}"
    if change is not None:
        logger, _, level = change.partition("=")
        path, body = f"/loggers/{quote(logger, safe='')}{which}", orjson.dumps({"level": level or None})
        click.echo(_asked(settings, "PUT", path, body))
    if report or change is None:
        click.echo(_asked(settings, "GET", f"/{quote(report, safe='')}{which}"))


def _asked(settings: ManagementSettings, method: str, path: str, body: bytes | None = None) -> str:
    """Return what the service answers.

    Raises:
        ConfigurationError: No service answers there.
        SystemExit: It refuses, or is not well.
    """
    if settings.port is None:
        raise ConfigurationError(
            "MANAGEMENT_PORT is not set: it must be the port that the service was given."
        )
    headers = {} if settings.token is None else {"Authorization": f"Bearer {settings.token.reveal()}"}
    connection = HTTPConnection(settings.host, settings.port, timeout=_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = _readable(answer.read(), answer.headers.get_content_type())
    except (OSError, HTTPException) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else repr(error)
        raise ConfigurationError(
            f"No service answers on {settings.host}, port {settings.port}: {reason}."
        ) from error
    finally:
        connection.close()
    if answer.status != _OK:
        click.echo(text)
        raise SystemExit(1)
    return text


def _readable(body: bytes, media_type: str) -> str:
    if media_type != "application/json":
        return body.decode(errors="replace")
    told: Any = orjson.loads(body)
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
