"""Let schemathesis judge app_example by its own document, with all checks, signed in and not: ``make contract``.

The judge has an environment of its own; the service runs in this one, on an empty database in a folder that goes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
PERSON = {"name": "judge", "email": "judge@example.org", "password": "correct horse"}
ROUNDS = os.environ.get("CONTRACT_EXAMPLES", "50")
START_SECONDS = 30


def main() -> int:
    """Run the judge twice and return how many runs had failures."""
    judge, port = sys.argv[1], free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        service = subprocess.Popen(
            [
                Path(sys.executable).with_name("framework"),
                "run",
                "app_example",
                "--migrate",
                "--port",
                str(port),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **_settings(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(url)
            _post(f"{url}/api/users", PERSON)
            token = _post(f"{url}/api/tokens", {name: PERSON[name] for name in ("email", "password")})
            bearer = f"Authorization: Bearer {token['access_token']}"
            return sum(_judged(judge, url, folder, headers) for headers in ([], ["-H", bearer]))
        finally:
            service.terminate()
            service.wait(60)


def _settings(folder: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/contract.sqlite3",
        "FILES_FOLDER": f"{folder}/files",
        "AUTH_PASSWORDS_MEMORY_KIB": "64",
        "AUTH_PASSWORDS_PASSES": "1",
        "AUTH_PASSWORDS_LANES": "1",
    }


def _judged(judge: str, url: str, folder: str, headers: list[str]) -> bool:
    options = ["--checks", "all", "--max-examples", ROUNDS, *headers]
    return bool(
        subprocess.run([judge, "run", f"{url}/openapi.json", *options], cwd=folder, check=False).returncode
    )


def _post(url: str, value: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("app_example did not start")


if __name__ == "__main__":
    sys.exit(main())
