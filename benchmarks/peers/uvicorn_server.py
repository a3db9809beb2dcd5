"""Uvicorn with the settings that its documentation gives for production, one worker for one core."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from __future__ import annotations

from typing import Any

import uvicorn


def serve_asgi(app: Any, port: int) -> None:
    """Serve an ASGI application and block; uvicorn's own access log is off, the works that log do it themselves."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
