"""The docs page: Swagger UI, wholly out of this process, as its package ships it."""

from __future__ import annotations

import hashlib
import html
import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from framework.errors import ConfigurationError
from framework.marks import public, quiet, undocumented
from framework.routing import RouteTableDef

_PACKAGE = "swagger-ui-bundle-v2"
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_FOR_EVER = "public, max-age=31536000, immutable"

# NOTE: Swagger UI sets styles on elements and has its pictures in its style sheet; nothing else has leave to either.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'{servers}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{path}/swagger-ui.css?v={version}">
</head>
<body>
<div id="docs"></div>
<script src="{path}/swagger-ui-bundle.js?v={version}"></script>
<script src="{path}/start.js?v={start}"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: %s,
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page."""

    body: bytes
    media_type: str


def assets(document_path: str) -> dict[str, Asset]:
    """Return the files that the page loads, by their names.

    Raises:
        ConfigurationError: The package that ships Swagger UI is not installed.
    """
    try:
        shipped = importlib.metadata.files(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigurationError(
            "The docs page needs Swagger UI: pip install 'aiohttp-batteries[docs]', or set OPENAPI_DOCS=false."
        ) from error
    found = {each.name: Path(each.locate()) for each in shipped if each.name in _FILES}
    made = {name: Asset(path.read_bytes(), _FILES[name]) for name, path in found.items()}
    return {**made, "start.js": Asset((_START % json.dumps(document_path)).encode(), "text/javascript")}


def is_installed() -> bool:
    """Tell whether the package that ships Swagger UI is there."""
    try:
        importlib.metadata.version(_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def routes(path: str, document_path: str, title: str, servers: tuple[str, ...]) -> RouteTableDef:
    """Return the routes of the page and of its files.

    Raises:
        ConfigurationError: The package that ships Swagger UI is not installed.
    """
    files = assets(document_path)
    start = hashlib.sha256(files["start.js"].body).hexdigest()[:8]
    version = importlib.metadata.version(_PACKAGE)
    page = _PAGE.format(title=html.escape(title), path=html.escape(path), version=version, start=start)
    others = "".join(f" {server}" for server in servers if "://" in server)
    headers = {
        str(hdrs.CACHE_CONTROL): "no-cache",
        "Content-Security-Policy": _POLICY.format(servers=others),
    }
    table = RouteTableDef()

    @table.get(path)
    @quiet
    @undocumented
    @public
    async def docs() -> web.Response:
        """Show what this service does, to try it."""
        return web.Response(text=page, content_type="text/html", headers=headers)

    for name, asset in files.items():
        _serve(table, f"{path}/{name}", asset)
    return table


def _serve(table: RouteTableDef, path: str, asset: Asset) -> None:
    headers = {
        str(hdrs.CONTENT_TYPE): f"{asset.media_type}; charset=utf-8",
        str(hdrs.CACHE_CONTROL): _FOR_EVER,
    }

    @table.get(path)
    @quiet
    @undocumented
    @public
    async def docs_file() -> web.Response:
        """Send a file of the docs page."""
        return web.Response(body=asset.body, headers=headers)
