"""Pages: which template, with which values, and what is wrong with them before the first request."""

from __future__ import annotations

import asyncio
import html
import itertools
import os
from collections.abc import Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import aiohttp_jinja2
import jinja2
import pytest
from aiohttp import web
from aiohttp_session import Session
from markupsafe import Markup

from framework.app import ServiceSettings, create_app
from framework.batteries import csrf, problems, security, sessions, templates
from framework.batteries.sessions import SessionSettings
from framework.batteries.templates import TemplateSettings, flash, render, template
from framework.batteries.templates.rendering import rendered
from framework.context import ENDPOINTS, PRINCIPAL
from framework.errors import ConfigurationError
from framework.forms import Form
from framework.marks import public
from framework.principal import Principal
from framework.responses import Result, redirect
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def service(folder: Path, *routes: Any, **options: Any) -> web.Application:
    stack = [
        problems.battery(),
        security.battery(),
        sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False)),
        csrf.battery(),
        templates.battery(TemplateSettings(folders=(folder,)), **options),
    ]
    return create_app(ServiceSettings(), routes=routes, batteries=stack)


def page(name: str, text: str, folder: Path, values: Mapping[str, Any] | None = None) -> RouteTableDef:
    """Write a template and return a table whose start page shows it."""
    (folder / name).write_text(text)
    routes = RouteTableDef()

    @routes.get("/", name="index")
    @template(name)
    async def show() -> Mapping[str, Any] | None:
        return values

    return routes


async def shown(serve: Serve, client: aiohttp.ClientSession, app: web.Application, path: str = "") -> str:
    async with client.get(await serve(app) / path) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html"), text
        return text


async def test_a_handler_s_mapping_is_shown_with_its_template(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("hello.html", "<p>Hello {{ name }}</p>", folder, {"name": "Ada"})

    text = await shown(serve, client, service(folder, routes))

    assert text == "<p>Hello Ada</p>"


async def test_a_handler_that_returns_nothing_shows_its_template_alone(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    text = await shown(serve, client, service(folder, page("hello.html", "<p>Hello</p>", folder)))

    assert text == "<p>Hello</p>"


async def test_a_page_may_have_a_status_of_its_own_and_a_handler_may_answer_itself(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("hello.html", "<p>Hello {{ name }}</p>", folder, {"name": "Ada"})

    @routes.get("/refused")
    @template("hello.html")
    async def refuse() -> Result[dict[str, str]]:
        return Result({"name": "Bob"}, 422, {"X-Own": "1"})

    @routes.get("/elsewhere")
    @template("hello.html")
    async def leave() -> web.Response:
        return redirect("/")

    @routes.get("/rendered")
    async def answer(request: web.Request) -> web.Response:
        return await render(request, "hello.html", {"name": "Eve"}, status=418)

    url = await serve(service(folder, routes))
    answers = [
        await client.get(url / path, allow_redirects=False) for path in ("refused", "elsewhere", "rendered")
    ]

    assert [answer.status for answer in answers] == [422, 303, 418]
    assert [await answer.text() for answer in answers] == ["<p>Hello Bob</p>", "", "<p>Hello Eve</p>"]
    assert answers[0].headers["X-Own"] == "1"


@pytest.mark.parametrize("name", ["page.html", "page.txt", "page.svg", "page.HTML", "page"])
async def test_everything_is_escaped_whatever_the_template_s_suffix(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, name: str
) -> None:
    routes = page(name, "{{ text }}", folder, {"text": "<script>'\"&"})

    text = await shown(serve, client, service(folder, routes))

    assert text == "&lt;script&gt;&#39;&#34;&amp;"


class Html:
    def __html__(self) -> str:
        return "<b>own</b>"


class Text(str):
    """A text that is no plain `str`."""


VALUES: dict[str, Any] = {
    "text": "<'\"&>",
    "safe": Markup("<b>safe</b>"),
    "html": Html(),
    "odd": Text("<odd>"),
    "nothing": None,
    "number": 7,
    "amount": 1.5,
    "day": date(2026, 1, 2),
    "row": {"name": "<Ada>", "items": 3, "html": Markup("<i>")},
    "thing": Form[Any](data={"name": "<Eve>"}, errors={}),
}
SHOWN = [
    *(f"{{{{ {name} }}}}" for name in VALUES),
    "{{ text | safe }} {{ text | upper }} {{ text ~ safe }} {{ safe + text }} {{ text | escape }}",
    "{{ row.name }} {{ row['name'] }} {{ row.html }} {{ row['items'] }}",
    "{% for key, value in row.items() %}{{ key }}={{ value }} {{ loop.index }}{% endfor %}",
    "{{ row.missing is defined }} {{ row.missing | default('<none>') }} {{ thing.missing is defined }}",
    "{% macro cell(row) %}{{ row.name }}{% endmacro %}{{ cell(row) }}{{ cell(thing.data) }}",
    "{% for row in [row, thing.data] %}{{ row.name }}{% endfor %}{% set own = row %}{{ own.name }}",
    "{{ thing.data.name }} {{ thing['data'].name }} {{ text.upper() }}",
    "{% macro m(v) %}<p>{{ v }}{{ caller() }}</p>{% endmacro %}{% call m(text) %}{{ text }}{% endcall %}",
    "{% set kept %}<p>{{ text }}</p>{% endset %}{{ kept }}{{ kept | length }}",
    "{% filter upper %}<p>{{ text }}</p>{% endfilter %}",
    "{% block inner %}{{ text }}{% endblock %}{{ self.inner() }}",
]


@pytest.mark.parametrize("text", SHOWN)
async def test_a_page_says_what_jinja_itself_would_say(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, text: str
) -> None:
    routes = page("page.html", text, folder, VALUES)

    page_text = await shown(serve, client, service(folder, routes))

    assert page_text == jinja2.Environment(autoescape=True).from_string(text).render(VALUES)


@pytest.mark.parametrize("text", ["{{ row.missing }}", "{{ row['missing'] }}", "{{ thing.missing }}"])
async def test_what_a_value_does_not_have_is_a_fault_that_is_named(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    routes = page("page.html", text, folder, VALUES)

    async with client.get(await serve(service(folder, routes))) as answer:
        assert answer.status == 500

    assert "has no attribute 'missing'" in caplog.text


async def test_the_service_s_own_templates_go_before_those_that_are_shipped(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    (folder / "style.css").write_text("body { color: teal }")
    routes = page("page.html", '{% extends "base.html" %}', folder)

    text = await shown(serve, client, service(folder, routes))

    assert "body { color: teal }" in text
    assert "<main" in text


WRONG = [
    pytest.param({"page.html": "{% if %}"}, r"page\.html:1: ", id="syntax"),
    pytest.param({"page.html": "\n{% endblock %}"}, r"page\.html:2: ", id="syntax on line 2"),
    pytest.param({"other.html": "{% if %}"}, r"other\.html:1: ", id="syntax of a page that no handler names"),
    pytest.param({"page.html": '{% extends "nome.html" %}'}, "no template is named 'nome.html'", id="parent"),
    pytest.param({"page.html": '\n\n{% include "x.html" %}'}, r"page\.html:3: .*'x\.html'", id="include"),
    pytest.param(
        {"page.html": '{% include "part.txt" %}', "part.txt": "\n{% if %}"}, r"part\.txt:2: ", id="in a part"
    ),
    pytest.param({"page.html": '{% from "m.html" import f %}'}, "'m.html'", id="macros"),
    pytest.param({"page.html": '{% import "macro.html" as m %}'}, "'macros.html' is", id="near"),
]


@pytest.mark.parametrize(("files", "complaint"), WRONG)
def test_a_template_that_cannot_be_shown_keeps_the_service_from_starting(
    folder: Path, files: Mapping[str, str], complaint: str
) -> None:
    routes = page("page.html", "", folder)
    for name, text in files.items():
        (folder / name).write_text(text)

    with pytest.raises(ConfigurationError, match=complaint):
        service(folder, routes)


def test_a_handler_with_a_template_that_is_not_there_is_named(folder: Path) -> None:
    routes = page("page.html", "", folder)
    (folder / "page.html").rename(folder / "pages.html")

    with pytest.raises(ConfigurationError, match=r"test_templates\.py:\d+ .*show.*'pages\.html' is"):
        service(folder, routes)


def test_a_view_with_a_template_is_refused(folder: Path) -> None:
    routes = page("page.html", "", folder)

    @routes.view("/view")
    class View(web.View):
        @template("page.html")
        async def get(self) -> web.StreamResponse:
            return web.Response()

    with pytest.raises(ConfigurationError, match="a view answers by itself"):
        service(folder, routes)


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        TemplateSettings(folders=(folder / "nowhere",))


@pytest.mark.parametrize("fault", ["missing template", "missing name", "no mapping", "bug"])
async def test_a_page_that_fails_tells_the_client_nothing_and_the_log_everything(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    routes = page("page.html", "<p>\n{{ confidential.name }}", folder, {})

    @routes.get("/missing-template")
    async def missing(request: web.Request) -> web.Response:
        return await render(request, "confidential.html")

    (folder / "slip.html").write_text("{{ confidential }}")

    @routes.get("/missing-name")
    @template("slip.html")
    async def misspelt() -> dict[str, str]:
        return {"confidental": "a slip"}

    @routes.get("/no-mapping")
    @template("page.html")
    async def listed() -> list[str]:
        return ["confidential"]

    @routes.get("/bug")
    @template("page.html")
    async def broken() -> dict[str, Any]:
        return {"confidential": Broken()}

    url = await serve(service(folder, routes))
    async with client.get(url / fault.replace(" ", "-")) as answer:
        text = f"{answer.reason} {answer.headers} {await answer.text()}"

    assert answer.status == 500
    assert "confidential" not in text
    assert "unhandled_error" in caplog.messages


class Broken:
    @property
    def name(self) -> str:
        raise RuntimeError("confidential")


async def test_the_log_names_the_template_s_line(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    routes = page("page.html", "<p>\n\n{{ 1 / 0 }}", folder)

    async with client.get(await serve(service(folder, routes))) as answer:
        assert answer.status == 500

    assert f'{folder / "page.html"}", line 3' in caplog.text


class Colour(Enum):
    RED = "red"


USER = UUID("12345678123456781234567812345678")
ADDRESSES = [
    ("url('index')", "/"),
    ("url('user', user_id=user)", f"/users/{USER}"),
    ("url('user', user_id=5, tab='a b&c')", "/users/5?tab=a+b%26c"),
    ("url('user', user_id='a/../b?c')", "/users/a%2F..%2Fb%3Fc"),
    ("url('index', page=2, q=none, open=true)", "/?page=2&open=true"),
    ("url('index', tag=['a', 'b'], day=day, colour=colour)", "/?tag=a&tag=b&day=2026-01-02&colour=red"),
    ("url('number', number=7)", "/numbers/7"),
    ("url('file', path='a b/c.txt')", "/files/a%20b/c.txt"),
    ("url('inner')", "/inner/hello"),
]


@pytest.mark.parametrize(("expression", "address"), ADDRESSES)
async def test_routes_are_addressed_by_name(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, expression: str, address: str
) -> None:
    routes = page(
        "page.html",
        f"{{{{ {expression} }}}}",
        folder,
        {"user": USER, "day": date(2026, 1, 2), "colour": Colour.RED},
    )

    @routes.get("/users/{user_id}", name="user")
    async def user(user_id: str) -> str:
        return user_id

    @routes.get(r"/numbers/{number:\d+}", name="number")
    async def number(number: int) -> int:
        return number

    @routes.get("/files/{path:.+}", name="file")
    async def file(path: str) -> str:
        return path

    async def hello(request: web.Request) -> web.Response:
        return web.Response()

    app, inner = service(folder, routes), web.Application()
    inner.router.add_get("/hello", hello, name="inner")
    app.add_subapp("/inner", inner)

    assert html.unescape(await shown(serve, client, app)) == address


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("url('indx')", "No route is named 'indx'; 'index' is."),
        ("url('user')", "The path of the route 'user' needs user_id."),
        ("static('site.css')", "No static folder has 'site.css'; 'style.css' is."),
    ],
)
async def test_an_address_that_leads_nowhere_is_a_fault_that_says_so(
    serve: Serve,
    client: aiohttp.ClientSession,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    expression: str,
    complaint: str,
) -> None:
    routes = page("page.html", f"{{{{ {expression} }}}}", folder)
    (folder / "style.css").write_text("")
    routes.static("/static", folder)

    @routes.get("/users/{user_id}", name="user")
    async def user(user_id: str) -> str:
        return user_id

    async with client.get(await serve(service(folder, routes))) as answer:
        assert answer.status == 500

    assert complaint in caplog.text


async def test_a_static_file_s_address_changes_with_its_content_and_is_kept_for_ever(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    (folder / "static" / "a b").mkdir(parents=True)
    addresses, routes = [], page("page.html", "{{ static('/a b/style.css') }}", folder)
    routes.static("/static", folder / "static")
    for content in ("one", "two"):
        (folder / "static" / "a b" / "style.css").write_text(content)
        addresses.append(await shown(serve, client, service(folder, routes)))

    url = await serve(service(folder, routes))
    answers = [await client.get(str(url.origin()) + address, allow_redirects=False) for address in addresses]

    assert addresses[0] != addresses[1]
    assert addresses[1].startswith("/static/a%20b/style.css?v=")
    assert [answer.headers["Cache-Control"] for answer in answers] == [
        "public, max-age=3600",
        "public, max-age=31536000, immutable",
    ]


async def test_a_flash_is_shown_once_on_the_next_page(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", '{% extends "base.html" %}', folder)

    @routes.get("/save")
    async def save(session: Session) -> web.Response:
        for number in range(12):
            flash(session, f"<Saved {number}>", "success")
        return redirect("/")

    url = await serve(service(folder, routes))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        pages = [await (await browser.get(url / path)).text() for path in ("save", "")]

    assert '<p class="message success" role="status">&lt;Saved 11&gt;</p>' in pages[0]
    assert pages[0].count("Saved") == 10
    assert "Saved" not in pages[1]


async def test_a_form_of_a_page_brings_the_token_that_it_needs(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", "<form>{{ csrf_field() }}</form>{{ csrf_token() }}", folder)

    @routes.post("/")
    async def take(request: web.Request) -> str:
        return "taken"

    url = await serve(service(folder, routes))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        text = await (await browser.get(url)).text()
        token = text.partition('name="csrf_token" value="')[2].partition('"')[0]
        statuses = [(await browser.post(url, data={"csrf_token": each})).status for each in (token, "wrong")]

    assert statuses == [200, 403]


async def test_a_service_without_sessions_and_tokens_shows_its_pages_all_the_same(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", '{% extends "sign-in.html" %}', folder, {"form": None})
    stack = [templates.battery(TemplateSettings(folders=(folder,)))]

    text = await shown(serve, client, create_app(ServiceSettings(), routes=[routes], batteries=stack))

    assert 'name="csrf_token" value=""' in text


async def test_a_page_knows_the_request_and_who_calls(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", "", folder)
    (folder / "who.html").write_text("{{ request.path }} {{ principal.subject if principal }}")

    @routes.get("/who")
    @template("who.html")
    async def who(request: web.Request) -> None:
        request[PRINCIPAL] = Principal(subject="ada")

    assert await shown(serve, client, service(folder, routes), "who") == "/who ada"


async def test_what_is_inline_on_a_page_is_allowed_by_its_own_nonce_alone(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    url = await serve(service(folder, page("page.html", '{% extends "base.html" %}', folder)))

    nonces = []
    for _ in range(2):
        async with client.get(url) as answer:
            text = await answer.text()
            nonce = text.partition('<style nonce="')[2].partition('"')[0]
            assert f"style-src 'self' 'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]
            nonces.append(nonce)

    assert len(set(nonces)) == 2


async def test_processors_add_to_pages_and_no_other_answer_pays_for_them(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    calls = []
    routes = page("page.html", "{{ motto | shout }}", folder)

    @routes.get("/json")
    async def data() -> list[int]:
        return []

    async def motto(request: web.Request) -> Mapping[str, Any]:
        calls.append(request.path)
        return {"motto": "ahoy"}

    def configure(environment: jinja2.Environment) -> None:
        environment.filters["shout"] = str.upper

    url = await serve(service(folder, routes, processors=[motto], configure=configure))
    texts = [await (await client.get(url / path)).text() for path in ("", "json")]

    assert texts == ["AHOY", "[]"]
    assert calls == ["/"]


async def test_a_macro_that_lacks_the_page_s_request_says_how_to_get_it(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "own.html").write_text("{% macro token() %}{{ csrf_token() }}{% endmacro %}")
    routes = page("page.html", '{% from "own.html" import token %}{{ token() }}', folder)

    async with client.get(await serve(service(folder, routes))) as answer:
        assert answer.status == 500

    assert "import it 'with context'" in caplog.text


async def test_two_services_in_one_process_have_templates_of_their_own(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        app = service(tmp_path / name, page("page.html", f"{name} {{{{ url('index') }}}}", tmp_path / name))
        texts.append(await shown(serve, client, app))

    assert texts == ["one /", "two /"]


async def test_handlers_written_for_aiohttp_jinja2_work_unchanged(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", "{{ name }} {{ url('index') }}", folder, {"name": ""})

    @routes.get("/old")
    @aiohttp_jinja2.template("page.html")
    async def old(request: web.Request) -> dict[str, str]:
        return {"name": "old"}

    assert await shown(serve, client, service(folder, routes), "old") == "old /"


async def test_marks_count_above_and_below_the_decorator_of_aiohttp_jinja2(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    routes = page("page.html", "{{ name }}", folder, {"name": ""})

    class Pages:
        @public
        @aiohttp_jinja2.template("page.html")
        async def above(self, request: web.Request) -> dict[str, str]:
            return {"name": "above"}

        @routes.get("/listed")
        @aiohttp_jinja2.template("page.html")
        @public
        async def below(self, request: web.Request) -> dict[str, str]:
            return {"name": "below"}

    routes.get("/method")(Pages().above)
    app = service(folder, [routes, Pages])
    url = await serve(app)

    texts = []
    for path in ("method", "listed"):
        async with client.get(url / path) as response:
            texts.append(await response.text())

    assert texts == ["above", "below"]
    found = {endpoint.path: endpoint.find(type(public)) for endpoint in app[ENDPOINTS]}
    assert found == {"/": None, "/method": public, "/listed": public}


@pytest.mark.parametrize("path", ["/old/{number}", "/old"])
def test_a_typed_handler_below_the_decorator_of_aiohttp_jinja2_is_told(path: str, folder: Path) -> None:
    routes = page("page.html", "", folder, {})
    decorated: Any = aiohttp_jinja2.template("page.html")

    async def old(request: web.Request, number: int) -> dict[str, int]:
        return {"number": number}

    routes.get(path)(decorated(old))
    with pytest.raises(
        ConfigurationError, match=r"test_templates\.py:\d+ .*old.*@aiohttp_jinja2\.template takes"
    ):
        service(folder, routes)


def test_a_template_without_a_name_is_told_at_its_line(folder: Path) -> None:
    async def index() -> None: ...

    wrong: Any = index
    with pytest.raises(
        ConfigurationError, match=r"test_templates\.py:\d+ .*index: a template is named first"
    ):
        template(wrong)


async def test_a_changed_template_is_read_anew_where_that_is_wanted(
    serve: Serve, client: aiohttp.ClientSession, folder: Path
) -> None:
    texts = []
    for reload in (False, True):
        routes = page("page.html", "before", folder)
        stack = [templates.battery(TemplateSettings(folders=(folder,), reload=reload))]
        url = await serve(create_app(ServiceSettings(), routes=[routes], batteries=stack))
        (folder / "page.html").write_text("after, and longer")
        os.utime(folder / "page.html", (1, 1))
        texts.append(await (await client.get(url)).text())

    assert texts == ["before", "after, and longer"]


async def test_a_big_page_lets_others_have_their_turn() -> None:
    page = jinja2.Environment(autoescape=True).from_string("{% for n in numbers %}{{ n }},{% endfor %}")
    numbers, turns, times = list(range(5_000)), 0, itertools.count()

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    text = await rendered(page, {"numbers": numbers}, clock=lambda: next(times))
    counting.cancel()

    assert text == page.render(numbers=numbers)
    assert turns >= 10


FORM = Form[Any](
    data={"name": '"><script>', "text": "two\nlines", "kind": "b"},
    errors={"name": ("Too short.", "Too odd."), "": ("Nothing fits.",)},
)
FIELDS = [
    pytest.param(
        "form_errors(form)",
        [
            'role="alert" tabindex="-1" autofocus>',
            "<p>Nothing fits.</p>",
            '<a href="#field-name">Name</a>: Too short. Too odd.',
        ],
        id="form",
    ),
    pytest.param(
        "field(form, 'name', 'Name', hint='As on paper.')",
        [
            '<label for="field-name">Name</label>',
            'value="&#34;&gt;&lt;script&gt;"',
            'required aria-invalid="true" aria-describedby="hint-name error-name"',
            '<p class="hint" id="hint-name">As on paper.</p>',
            '<p class="error" id="error-name">Too short. Too odd.</p>',
        ],
        id="text",
    ),
    pytest.param(
        "field(form, 'text', 'Text', type='textarea', required=false, rows=4)",
        ['<textarea id="field-text" name="text" rows="4">\ntwo\nlines</textarea>'],
        id="textarea",
    ),
    pytest.param(
        "field(form, 'kind', 'Kind', type='select', options=[('a', 'A'), ('b', '<B>')])",
        ['<option value="a">A</option>', '<option value="b" selected>&lt;B&gt;</option>'],
        id="select",
    ),
    pytest.param(
        "field(none, 'age', 'Age', type='number', value=7, min=1)",
        ['<input type="number" value="7" id="field-age" name="age" required min="1">'],
        id="first shown",
    ),
    pytest.param(
        "field(form, 'name', 'Secret', type='password')",
        ['<input type="password" id="field-name" name="name" required'],
        id="password is never shown again",
    ),
    pytest.param(
        "field(none, 'yes', 'Yes', type='checkbox', value=true, required=false)",
        ['<input type="checkbox" value="true" id="field-yes" name="yes" checked> Yes</label>'],
        id="checkbox",
    ),
    pytest.param(
        "pagination(next='/?after=1&x=2')",
        ['<a rel="next" href="/?after=1&amp;x=2">Next</a>'],
        id="pages",
    ),
]


@pytest.mark.parametrize(("expression", "parts"), FIELDS)
async def test_forms_are_shown_with_their_errors_beside_the_fields(
    serve: Serve, client: aiohttp.ClientSession, folder: Path, expression: str, parts: list[str]
) -> None:
    text = '{% from "macros.html" import field, form_errors, pagination %}{{ ' + expression + " }}"
    routes = page("page.html", text, folder, {"form": FORM})

    shown_text = await shown(serve, client, service(folder, routes))

    assert [part for part in parts if part not in shown_text] == []
    assert "<script>" not in shown_text
