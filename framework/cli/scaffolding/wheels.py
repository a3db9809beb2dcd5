"""The wheel of this installation, for services that must find it where no index has it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from framework.errors import ConfigurationError

DISTRIBUTION = "aiohttp-batteries"
_NOT_OF_THE_WHEEL = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_build.json", "uv_cache.json"}


def bring_wheel(folder: Path) -> Path:
    """Put the wheel of this installation into a folder, in the place of older ones.

    What was installed from a wheel is packed again from its record; what is installed from a checkout is built.

    Raises:
        ConfigurationError: It cannot be built; the message has what the builder said.
    """
    installed = distribution(DISTRIBUTION)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as made:
        source = _checkout(installed)
        wheel = _built(source, Path(made)) if source else _packed(installed, Path(made))
        for older in folder.glob("aiohttp_batteries-*.whl"):
            older.unlink()
        target = folder / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


def _checkout(installed: Distribution) -> Path | None:
    """Return the folder that an editable installation is of (PEP 610)."""
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(origin["url"]).path))


def _built(source: Path, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no word of it is a user's
    if done.returncode:
        raise ConfigurationError(
            f"The framework's wheel cannot be built from {source}: {done.stderr.strip()}"
        )
    return next(folder.glob("*.whl"))


def _packed(installed: Distribution, folder: Path) -> Path:
    """Pack the files of an installation into a wheel again."""
    tag = (installed.read_text("WHEEL") or "").partition("Tag: ")[2].split("\n")[0].strip()
    wheel = folder / f"aiohttp_batteries-{installed.version}-{tag}.whl"
    record: list[str] = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(installed.files or (), key=str):
            if ".." in path.parts or path.suffix == ".pyc" or path.name in _NOT_OF_THE_WHEEL:
                continue
            archive.writestr(zipfile.ZipInfo(path.as_posix()), path.read_binary(), zipfile.ZIP_DEFLATED)
            record.append(f"{path.as_posix()},,")
        name = f"aiohttp_batteries-{installed.version}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(name), "\n".join([*record, f"{name},,", ""]))
    return wheel
