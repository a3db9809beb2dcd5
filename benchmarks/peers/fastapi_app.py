"""FastAPI on uvicorn, as its tutorial has it: pydantic models, a dependency for the token, the CORS middleware."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from typing import Annotated, Any

import jwt
from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.templating import Jinja2Templates

from benchmarks.data import (
    AUDIENCE,
    ISSUER,
    ORIGIN,
    SECRET,
    TEMPLATES,
    big_file,
    page_values,
    route_paths,
    rows,
)
from benchmarks.models.as_pydantic import Contact, Order, Row
from benchmarks.peers.access import log_to_stdout
from benchmarks.peers.access_asgi import AccessLog
from benchmarks.peers.uvicorn_server import serve_asgi

ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
templates = Jinja2Templates(directory=TEMPLATES)
bearer = HTTPBearer()
router = APIRouter()


async def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> dict[str, Any]:
    """Verify the token."""
    try:
        return jwt.decode(
            credentials.credentials,
            SECRET,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401, "bad token", headers={"WWW-Authenticate": "Bearer"}) from None


@router.get("/hello")
async def hello() -> dict[str, str]:
    """Answer bare JSON."""
    return {"message": "hello"}


@router.post("/orders", status_code=201)
async def create_order(order: Order, user: Annotated[dict[str, Any], Depends(current_user)]) -> Order:
    """Answer with the validated order."""
    return order


@router.get("/rows")
async def list_rows() -> list[Row]:
    """Answer with the rows."""
    return ROWS


@router.get("/page", response_class=HTMLResponse)
async def page(request: Request) -> HTMLResponse:
    """Render the page."""
    return templates.TemplateResponse(request=request, name="rows.html", context=PAGE)


@router.post("/form", status_code=201)
async def form(contact: Annotated[Contact, Form()]) -> Contact:
    """Answer with the validated form."""
    return contact


@router.put("/upload")
async def upload(request: Request) -> dict[str, int]:
    """Count a streamed body."""
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return {"bytes": count}


@router.get("/download")
async def download() -> FileResponse:
    """Send the big file."""
    return FileResponse(big_file())


class ConnectionManager:
    """The room of the tutorial."""

    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        """Let a member in."""
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        """Forget a member."""
        self.active_connections.remove(websocket)

    async def broadcast(self, message: Any) -> None:
        """Send to all, one after the other."""
        for connection in self.active_connections:
            await connection.send_json(message)


manager = ConnectionManager()


@router.websocket("/room")
async def room(websocket: WebSocket) -> None:
    """Send what each member says to all."""
    await manager.connect(websocket)
    try:
        while True:
            await manager.broadcast(await websocket.receive_json())
    except WebSocketDisconnect:
        manager.disconnect(websocket)


def _add_kind(app: FastAPI, number: int, path: str) -> None:
    @app.get(path)
    async def one_kind(tenant: str, item: str) -> dict[str, str | int]:
        return {"kind": number, "tenant": tenant, "item": item}


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    app = FastAPI()
    app.include_router(router)
    if work == "orders":
        log_to_stdout()
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[ORIGIN],
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-Request-ID"],
        )
        app.add_middleware(AccessLog)
    if work.startswith("routes"):
        for number, path in route_paths(int(work.removeprefix("routes"))):
            _add_kind(app, number, path)
    serve_asgi(app, port)
