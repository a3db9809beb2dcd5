"""The pages, as a browser without scripts uses them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession, CookieJar, FormData
from yarl import URL

from app_example.pages.looks import ago
from app_example.testing import NOBODYS, PASSWORD, Visitor

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


class Browser:
    """A client that keeps cookies, and sends forms as a browser does."""

    def __init__(self, session: ClientSession, url: URL) -> None:
        self.session = session
        self.url = url

    async def open(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        async with self.session.get(self.url.join(URL(path)), headers=OWN) as response:
            return response.status, await response.text()

    async def send(self, path: str, form: dict[str, str] | FormData) -> tuple[int, str, str]:
        """Send a form; return status, text and where to go next."""
        target = self.url.join(URL(path))
        async with self.session.post(target, data=form, headers=OWN, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers.get("Location", "")


@pytest.fixture
async def browser(anybody: Visitor) -> AsyncIterator[Browser]:
    """Return a browser with nobody signed in."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Browser(session, anybody.url)


@pytest.fixture
async def ada_s(browser: Browser) -> Browser:
    """Return a browser in which Ada has registered."""
    form = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    status, text, location = await browser.send("/register", form)
    assert (status, location) == (303, "/"), text
    return browser


@pytest.mark.parametrize("path", ["/", "/about", "/register", "/login", "/logout", "/rooms/lobby"])
async def test_every_public_page_is_there(path: str, browser: Browser) -> None:
    status, text = await browser.open(path)

    assert status == 200
    assert "</html>" in text


async def test_registering_signs_in_and_greets_once(ada_s: Browser) -> None:
    _, first = await ada_s.open("/")
    _, second = await ada_s.open("/")

    assert "Welcome, Ada." in first
    assert "Welcome" not in second
    assert "Sign out" in second


async def test_errors_stand_beside_their_fields_and_what_was_typed_stays(browser: Browser) -> None:
    form = {"name": "Ada", "email": "nowhere", "password": "short"}

    status, text, _ = await browser.send("/register", form)

    assert status == 422
    assert re.search(r'id="error-email">[^<]*Not a valid email address', text)
    assert re.search(r'id="error-password">[^<]*Length must be', text)
    assert 'value="nowhere"' in text
    assert "short" not in text


async def test_an_address_that_is_taken_is_said_beside_it(ada_s: Browser) -> None:
    form = {"name": "Eve", "email": "ADA@example.org", "password": PASSWORD}

    status, text, _ = await ada_s.send("/register", form)

    assert status == 409
    assert re.search(r'id="error-email">[^<]*already', text)


async def test_signing_in_goes_on_to_where_one_came_from(ada_s: Browser) -> None:
    await ada_s.send("/logout", {})
    signed_out = await ada_s.session.get(ada_s.url / "posts/new", headers=OWN, allow_redirects=False)
    form = {"email": "ada@example.org", "password": PASSWORD, "next": "/posts/new"}

    status, _, location = await ada_s.send("/login", form)

    assert (signed_out.status, signed_out.headers["Location"]) == (303, "/login?next=%2Fposts%2Fnew")
    assert (status, location) == (303, "/posts/new")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"]
)
async def test_signing_in_never_leads_elsewhere(target: str, ada_s: Browser) -> None:
    form = {"email": "ada@example.org", "password": PASSWORD, "next": target}

    status, _, location = await ada_s.send("/login", form)

    assert (status, location) == (303, "/")


async def test_a_wrong_password_is_told_without_saying_what_is_wrong(ada_s: Browser) -> None:
    answers = [
        (await ada_s.send("/login", {"email": email, "password": "something else"}))[:2]
        for email in ("ada@example.org", "nobody@example.org")
    ]

    assert [status for status, _ in answers] == [422, 422]
    assert all("The e-mail address or the password is wrong." in text for _, text in answers)


async def test_a_post_is_written_shown_escaped_and_taken_down(ada_s: Browser) -> None:
    status, _, location = await ada_s.send(
        "/posts/new", {"title": "<b>Lost</b>", "text": "<script>x</script>"}
    )
    _, shown = await ada_s.open(location)
    gone = await ada_s.send(f"{location}/delete", {})
    after, _ = await ada_s.open(location)

    assert status == 303
    assert "&lt;b&gt;Lost&lt;/b&gt;" in shown
    assert "<script>x" not in shown
    assert (gone[0], gone[2], after) == (303, "/", 404)


async def test_a_file_is_attached_and_a_wrong_one_is_told_on_the_page(ada_s: Browser) -> None:
    _, _, location = await ada_s.send("/posts/new", {"title": "Lost", "text": "A cat"})
    good, bad = FormData(), FormData()
    good.add_field("file", b"a cat", filename="cat.txt", content_type="text/plain")
    bad.add_field("file", b"MZ\x90\x00", filename="cat.exe", content_type="application/x-msdownload")

    attached = await ada_s.send(f"{location}/files", good)
    refused = await ada_s.send(f"{location}/files", bad)
    _, shown = await ada_s.open(location)

    assert (attached[0], attached[2]) == (303, location)
    assert refused[0] == 415
    assert 'id="error-file"' in refused[1]
    assert "cat.txt" in shown
    assert "cat.exe" not in shown


async def test_a_post_is_edited_by_its_author_alone(ada_s: Browser, bob: Visitor) -> None:
    bobs = await bob.post("/api/posts", {"title": "Bob's", "text": "mine"})
    _, _, location = await ada_s.send("/posts/new", {"title": "Lost", "text": "A cat"})

    _, form = await ada_s.open(f"{location}/edit")
    wrong = await ada_s.send(f"{location}/edit", {"title": "", "text": "A cat"})
    changed = await ada_s.send(f"{location}/edit", {"title": "Found", "text": "A cat"})
    _, shown = await ada_s.open(location)
    others = [(await ada_s.open(f"/posts/{bobs['id']}/edit"))[0]]
    others.append((await ada_s.send(f"/posts/{bobs['id']}/edit", {"title": "Ada's", "text": "x"}))[0])

    assert 'value="Lost"' in form
    assert (wrong[0], "error-title" in wrong[1]) == (422, True)
    assert (changed[0], changed[2]) == (303, location)
    assert "<h1>Found</h1>" in shown
    assert "changed" in shown
    assert others == [403, 403]


async def test_a_search_finds_and_an_empty_one_says_so(ada_s: Browser) -> None:
    await ada_s.send("/posts/new", {"title": "Lost", "text": "A cat"})

    _, found = await ada_s.open("/?q=CAT")
    _, missing = await ada_s.open("/?q=%3Cdog%3E")
    _, everything = await ada_s.open("/?q=")

    assert "<article>" in found
    assert "No post has “&lt;dog&gt;” in it." in missing
    assert "<article>" in everything


async def test_a_picture_is_shown_and_a_text_is_not(ada_s: Browser) -> None:
    _, _, location = await ada_s.send("/posts/new", {"title": "Lost", "text": "A cat"})
    for name, content, kind in (
        ("cat.png", b"\x89PNG\r\n\x1a\n....", "image/png"),
        ("cat.txt", b"<b>", "text/plain"),
    ):
        form = FormData()
        form.add_field("file", content, filename=name, content_type=kind)
        await ada_s.send(f"{location}/files", form)

    _, shown = await ada_s.open(location)

    assert re.findall(r'<img src="/api/files/[0-9a-f-]+" alt="([^"]+)"', shown) == ["cat.png"]


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=7), "1 May 2026"),
        (-timedelta(seconds=3), "just now"),
    ],
)
def test_a_moment_is_told_as_people_tell_it(passed: timedelta, said: str) -> None:
    now = datetime(2026, 5, 8, 12, tzinfo=UTC)

    assert ago(now - passed, now) == said


async def test_nobody_changes_somebody_else_s_post(ada_s: Browser, bob: Visitor) -> None:
    post = await bob.post("/api/posts", {"title": "Bob's", "text": "mine"})

    status, _, _ = await ada_s.send(f"/posts/{post['id']}/delete", {})
    _, shown = await ada_s.open(f"/posts/{post['id']}")

    assert status == 403
    assert "Delete this post" not in shown


@pytest.mark.parametrize("path", ["/posts/nonsense", f"/posts/{NOBODYS}", "/rooms/NO WAY", "/nowhere"])
async def test_what_is_not_there_is_a_page_too(path: str, browser: Browser) -> None:
    status, text = await browser.open(path)

    assert status in {404, 422}
    assert "</html>" in text


async def test_a_form_of_another_site_is_refused(ada_s: Browser) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    async with ada_s.session.post(
        ada_s.url / "posts/new", data={"title": "x", "text": "y"}, headers=headers
    ) as answer:
        status = answer.status
    _, home = await ada_s.open("/")

    assert status == 403
    assert "Nothing is here yet." in home


async def test_the_list_goes_on_on_a_second_page(ada_s: Browser) -> None:
    for number in range(21):
        await ada_s.send("/posts/new", {"title": f"Number {number:02}", "text": "text"})

    _, first = await ada_s.open("/")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    _, second = await ada_s.open(following[1])

    assert "Number 20" in first
    assert "Number 00" not in first
    assert "Number 00" in second


async def test_a_new_password_ends_other_browsers_and_not_this_one(ada_s: Browser, anybody: Visitor) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        other = Browser(session, anybody.url)
        await other.send("/login", {"email": "ada@example.org", "password": PASSWORD})
        assert (await other.open("/posts/new"))[0] == 200
        async with ada_s.session.get(ada_s.url.join(URL("/api/users"))) as response:
            [ada] = (await response.json())["items"]

        changes = {"password": "new password", "current_password": PASSWORD}
        path = ada_s.url.join(URL(f"/api/users/{ada['id']}"))
        async with ada_s.session.patch(path, json=changes, headers=OWN) as response:
            assert response.status == 200, await response.text()

        async with other.session.get(ada_s.url.join(URL("/api/users"))) as response:
            assert response.status == 401
        assert (await ada_s.open("/posts/new"))[0] == 200
