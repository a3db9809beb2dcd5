"""Pages: which template, with which values, and what is wrong with them before the first request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session

from framework.batteries import sessions, templates
from framework.batteries.sessions import SessionSettings
from framework.batteries.templates import TemplateSettings, flash, render, template
from framework.errors import ConfigurationError
from framework.forms import Form
from framework.responses import redirect
from framework.routing import RouteTableDef
from framework.secret import Secret
from framework.testing import Serve
from tests.kernel import kernel_app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def service(folder: Path, *routes: Any, **options: Any) -> web.Application:
    pages = templates.battery(TemplateSettings(folders=(folder,)), **options)
    state = sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False))
    return kernel_app(*routes, batteries=(state, pages))


def page(name: str, text: str, folder: Path, values: Mapping[str, Any] | None = None) -> RouteTableDef:
    (folder / name).write_text(text)
    routes = RouteTableDef()

    @routes.get("/", name="index")
    @template(name)
    async def show() -> Mapping[str, Any] | None:
        return values

    return routes


async def shown(serve: Serve, client: aiohttp.ClientSession, app: web.Application) -> str:
    async with client.get(await serve(app)) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html"), text
        return text


async def test_a_handler_s_mapping_is_shown_with_its_template(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("hello.html", "<p>Hello {{ name }}</p>", folder, {"name": "Ada"})

    text = await shown(serve, client, service(folder, routes))

    assert text == "<p>Hello Ada</p>"


async def test_the_shipped_sign_in_page_is_shown(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", '{% extends "sign-in.html" %}', folder, {})

    text = await shown(serve, client, service(folder, routes))

    assert '<input type="email" value="" id="field-email" name="email" required' in text
