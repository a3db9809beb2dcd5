"""The commands, run in processes of their own."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, fetch, framework, python, serving, wait_for

pytestmark = pytest.mark.process

HELLO = '''
from framework import RouteTableDef, create_app, public, run

routes = RouteTableDef()


@routes.get("/")
@public
async def hello() -> dict[str, str]:
    """Greet."""
    return {"message": "hello"}


if __name__ == "__main__":
    run(create_app(routes=[routes]))
'''
STRONG = {
    "PROFILE": "production",
    "SESSIONS_KEYS": "k3JpQ8mZx1Vw5RtY7uNb2LcD4fGh6Sj9",
    "AUTH_KEYS": "Zx1Vw5RtY7uNb2LcD4fGh6Sj9k3JpQ8m",
    "SERVER_ACCEPT_PLAIN": "true",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(HELLO)
    return tmp_path


def test_run_serves_a_module_and_stops_cleanly_on_sigterm(folder: Path) -> None:
    with serving("run", "hello", cwd=folder) as (process, url, log):
        status, body = fetch(url)
        process.send_signal(signal.SIGTERM)
        code = process.wait(25)

    assert (status, json.loads(body)) == (200, {"message": "hello"})
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_run_serves_with_several_workers(folder: Path) -> None:
    with serving("run", "hello.py", "--workers", "2", cwd=folder) as (process, url, log):
        statuses = [fetch(url)[0] for _ in range(5)]
        process.send_signal(signal.SIGTERM)
        code = process.wait(25)

    assert statuses == [200] * 5
    assert code == 0, log.read_text()


def test_dev_serves_again_after_a_change_and_after_a_broken_one(folder: Path) -> None:
    with serving("dev", "hello", cwd=folder) as (_, url, log):
        before = fetch(url)
        (dashboard,) = re.findall(r"Dashboard on (http://[0-9.:]+/dashboard)", log.read_text())
        page = fetch(dashboard)
        time.sleep(0.5)
        (folder / "hello.py").write_text("this is no Python")
        wait_for(lambda: "SyntaxError" in log.read_text(), log)
        (folder / "hello.py").write_text(HELLO.replace('hello"}', 'changed"}'))
        wait_for(lambda: "changed" in fetch(url)[1], log)

    assert json.loads(before[1]) == {"message": "hello"}
    assert page[0] == 200


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            "import nowhere_at_all", "No module named 'nowhere_at_all'", id="a module that is not there"
        ),
        pytest.param("this is no Python", "SyntaxError", id="a slip of the pen"),
        pytest.param("routes = 1 / 0", "ZeroDivisionError", id="an exception at the import"),
        pytest.param("answer = 42", "has no 'build', 'app' or 'routes'", id="nothing to serve"),
        pytest.param(
            HELLO.replace("hello()", 'hello(x: "Nope")'),
            "name 'Nope' is not defined",
            id="a wrong annotation",
        ),
    ],
)
def test_dev_answers_with_what_is_wrong_until_it_is_mended(folder: Path, source: str, said: str) -> None:
    with serving("dev", "hello", cwd=folder) as (_, url, log):
        time.sleep(0.5)
        (folder / "hello.py").write_text(source)
        wait_for(lambda: fetch(url)[0] == 500, log)
        status, problem = fetch(f"{url}/any/path")
        _, page = fetch(url, accept="text/html")
        (folder / "hello.py").write_text(HELLO)
        wait_for(lambda: fetch(url)[0] == 200, log)

    assert status == 500
    assert said in "\n".join(json.loads(problem)["debug"])
    assert page.lstrip().startswith("<!doctype html>")
    assert said in html.unescape(page)


def test_dev_keeps_a_free_port_over_changes(folder: Path) -> None:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "framework", "dev", "hello", "--port", "0"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    try:
        wait_for(lambda: "Serving on" in log.read_text(), log)
        (url,) = re.findall(r"Serving on (http://[0-9.:]+)", log.read_text())
        time.sleep(0.5)
        (folder / "hello.py").write_text("import nowhere")
        wait_for(lambda: fetch(url)[0] == 500, log)
        (folder / "hello.py").write_text(HELLO.replace('hello"}', 'mended"}'))
        wait_for(lambda: "mended" in fetch(url)[1], log)
        (folder / "hello.py").write_text(HELLO.replace('hello"}', 'changed"}'))
        wait_for(lambda: "changed" in fetch(url)[1], log)
    finally:
        process.terminate()
        process.wait(25)

    assert set(re.findall(r"Serving on (http://[0-9.:]+)", log.read_text())) == {url}


SHOWS_ITS_KEY = """
from framework import RouteTableDef, ServiceSettings, create_app, public

routes = RouteTableDef()


def build(settings: ServiceSettings):
    @routes.get("/key")
    @public
    async def key() -> str:
        return settings.auth.keys[0].reveal()

    return create_app(settings, routes=[routes])


@routes.get("/")
@public
async def hello() -> str:
    return "hello"


@routes.get("/lost")
@public
async def lost() -> None:
    raise LookupError("lost")
"""


def test_dev_shows_the_traceback_as_json_and_keeps_generated_keys_over_a_change(tmp_path: Path) -> None:
    source = SHOWS_ITS_KEY
    (tmp_path / "hello.py").write_text(source)

    with serving("dev", "hello", cwd=tmp_path) as (_, url, log):
        status, problem = fetch(f"{url}/lost")
        key = fetch(f"{url}/key")[1]
        time.sleep(0.5)
        (tmp_path / "hello.py").write_text(source.replace('"hello"', '"changed"'))
        wait_for(lambda: "changed" in fetch(url)[1], log)
        key_after = fetch(f"{url}/key")[1]

    assert status == 500
    assert json.loads(problem)["debug"][-1] == "LookupError: lost"
    assert key == key_after != ""


def test_routes_lists_method_path_handler_and_who_may_call(folder: Path) -> None:
    done = framework("routes", "hello", cwd=folder)

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("GET") and " / " in line]
    assert line.split() == ["GET", "/", "hello.hello", "public", "200", "dict"]


def test_settings_lists_each_variable_with_its_default_and_meaning(folder: Path) -> None:
    done = framework("settings", "hello", cwd=folder)

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert "SERVER_PORT int 8080 The port to listen on; 0 takes a free one." in lines
    assert any(
        line.startswith("JSON_NAMES snake | camel | pascal | kebab snake How fields") for line in lines
    )


def test_check_shows_where_settings_come_from_and_says_ok(folder: Path) -> None:
    (folder / ".env").write_text("NAME=greeter\n")

    done = framework("check", "hello", cwd=folder, SERVER_PORT="8123")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SERVER_PORT environment" in " ".join(done.stdout.split())
    assert "NAME .env" in " ".join(done.stdout.split())
    assert done.stdout.strip().endswith("ok")


@pytest.mark.parametrize(
    ("arguments", "source", "said"),
    [
        pytest.param(["run", "nowhere"], HELLO, "there is no 'nowhere' in this folder", id="no such module"),
        pytest.param(
            ["run", "hello"], "x = 1", "has no 'build', 'app' or 'routes'", id="no service in the module"
        ),
        pytest.param(
            ["run", "hello"],
            "def build():\n    ...",
            "hello:build returned NoneType",
            id="build returns nothing",
        ),
        pytest.param(["run", "hello:nothing"], HELLO, "has no 'nothing'", id="no such name in the module"),
        pytest.param(
            ["check", "hello"], HELLO.replace("hello()", "hello(*thing: int)"), "'*thing'", id="a bad handler"
        ),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    arguments: list[str], source: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "hello.py").write_text(source)

    done = framework(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-m", "framework", "run", "hello"], id="run"),
        pytest.param(["-m", "framework", "run", "hello", "--workers", "2"], id="run with workers"),
        pytest.param(["hello.py"], id="a script"),
    ],
)
def test_a_port_in_use_is_told_in_one_line(arguments: list[str], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = python(*arguments, cwd=folder, SERVER_PORT=port, **STRONG)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"error: The address 127.0.0.1, port {port}, cannot be listened on: Address already"
    )


def test_all_wrong_settings_are_told_at_once(folder: Path) -> None:
    done = framework("run", "hello", cwd=folder, SERVER_PORT="many", PROFILE="holiday")

    assert done.returncode == 2
    assert "SERVER_PORT" in done.stderr
    assert "PROFILE" in done.stderr


def test_production_refuses_to_start_without_keys(folder: Path) -> None:
    done = framework("run", "hello", cwd=folder, PROFILE="production", SERVER_ACCEPT_PLAIN="true")

    assert done.returncode == 2
    assert "SESSIONS_KEYS is not set" in done.stderr
    assert "AUTH_KEYS is not set" in done.stderr


LEAN = """
from framework import RouteTableDef, ServiceSettings, create_app, public, standard, without

routes = RouteTableDef()

@routes.get("/")
@public
async def hello() -> dict[str, str]:
    return {"message": "hello"}

def build(settings: ServiceSettings):
    return create_app(settings, routes=[routes], batteries=without(standard(settings), TAKEN_OUT))
"""
PLAIN = {"PROFILE": "production", "SERVER_ACCEPT_PLAIN": "true"}


@pytest.mark.parametrize(
    ("taken_out", "environ", "said"),
    [
        pytest.param("openapi", {}, ["AUTH_KEYS is not set", "SESSIONS_KEYS is not set"], id="both missing"),
        pytest.param(
            "openapi",
            {"AUTH_KEYS": "short", "SESSIONS_KEYS": "brief"},
            ["AUTH_KEYS is shorter than 32 bytes", "SESSIONS_KEYS is shorter than 32 bytes"],
            id="both short",
        ),
        pytest.param(
            "openapi",
            {"AUTH_KEYS": "short"},
            ["AUTH_KEYS is shorter than 32 bytes", "SESSIONS_KEYS is not set"],
            id="one short, one missing",
        ),
        pytest.param(
            "openapi",
            {"SESSIONS_KEYS": f"{STRONG['SESSIONS_KEYS']},old", "AUTH_KEYS": "a" * 40},
            ["AUTH_KEYS repeats too few", "SESSIONS_KEYS is shorter than 32 bytes"],
            id="an old one short, one too regular",
        ),
        pytest.param("sessions", {}, ["AUTH_KEYS is not set"], id="no sessions in the list"),
        pytest.param("auth", {"AUTH_KEYS": "short"}, ["SESSIONS_KEYS is not set"], id="no auth in the list"),
        pytest.param(
            "openapi",
            {"SESSIONS_REDIS_URL": "redis://127.0.0.1:1/0"},
            ["AUTH_KEYS is not set"],
            id="sessions in Redis",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_the_keys_of_the_batteries_in_the_list_are_asked_for_all_at_once(
    folder: Path, command: str, taken_out: str, environ: dict[str, str], said: list[str]
) -> None:
    (folder / "lean.py").write_text(LEAN.replace("TAKEN_OUT", repr(taken_out)))

    done = framework(command, "lean", cwd=folder, **PLAIN, **environ)

    complaints = [line.strip().partition(". ")[0] for line in done.stderr.splitlines() if "_KEYS" in line]
    assert done.returncode == 2
    assert [line[: len(each)] for line, each in zip(sorted(complaints), said, strict=True)] == said
    assert "short" not in done.stderr.replace("shorter", "")


@pytest.mark.parametrize(
    ("taken_out", "wanted"), [("sessions", "AUTH_KEYS"), ("auth", "SESSIONS_KEYS")], ids=["sessions", "auth"]
)
def test_production_starts_without_the_keys_of_what_is_not_in_the_list(
    folder: Path, taken_out: str, wanted: str
) -> None:
    (folder / "lean.py").write_text(LEAN.replace("TAKEN_OUT", repr(taken_out)))
    environ = {**PLAIN, wanted: STRONG[wanted]}

    checked = framework("check", "lean", cwd=folder, **environ)
    with serving("run", "lean", cwd=folder, **environ) as (_, url, _log):
        status, _ = fetch(url)

    assert (checked.returncode, status) == (0, 200), checked.stdout + checked.stderr


def test_settings_are_listed_without_any_key(folder: Path) -> None:
    done = framework("settings", "hello", cwd=folder, AUTH_KEYS="short", **PLAIN)

    assert done.returncode == 0
    assert "SESSIONS_KEYS" in done.stdout
    assert "VARIABLES_PREFIX" not in done.stdout


def test_development_warns_of_the_keys_of_the_batteries_in_the_list_alone(folder: Path) -> None:
    (folder / "lean.py").write_text(LEAN.replace("TAKEN_OUT", "'sessions'"))

    done = framework("check", "lean", cwd=folder)

    assert "AUTH_KEYS is not set; a key was generated" in done.stdout + done.stderr
    assert "SESSIONS_KEYS" not in done.stdout + done.stderr


def test_production_starts_with_keys(folder: Path) -> None:
    with serving("run", "hello", cwd=folder, **STRONG) as (_, url, _log):
        assert fetch(url)[0] == 200


@pytest.mark.parametrize(
    ("settings", "times"),
    [
        pytest.param({}, 1, id="production"),
        pytest.param({"SERVER_HOSTS": "example.com"}, 0, id="production with names"),
        pytest.param({"PROFILE": "development"}, 0, id="development"),
    ],
)
def test_check_tells_once_when_production_answers_for_any_host(
    settings: dict[str, str], times: int, folder: Path
) -> None:
    done = framework("check", "hello", cwd=folder, **{**STRONG, **settings})

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("not set SERVER_HOSTS") == times


OWN_FIELD = """
from dataclasses import dataclass
from typing import Annotated

from marshmallow import fields

from framework import RouteTableDef, public

routes = RouteTableDef()


class Shouted(fields.String):
    def _deserialize(self, value, attr, data, **kwargs):
        return super()._deserialize(value, attr, data, **kwargs).upper()


@dataclass
class Word:
    plain: str
    loud: Annotated[str, Shouted()]


@routes.post("/")
@public
async def say(body: Word) -> Word:
    return body
"""


@pytest.mark.guarantee("compiled validation")
def test_check_says_which_fields_are_left_to_marshmallow(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(OWN_FIELD)

    done = framework("check", "words", cwd=tmp_path)

    (line,) = [line for line in done.stdout.splitlines() if "by marshmallow" in line]
    assert line.split()[0] == "loud"
    assert "plain" not in done.stdout
