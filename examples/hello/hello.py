"""The smallest service."""

from typing import Annotated

from aiohttp import web
from marshmallow.validate import Length

from framework import RouteTableDef, ServiceSettings, create_app, public, run

routes = RouteTableDef()


@routes.get("/")
@public
async def hello(name: Annotated[str, Length(1, 50)] = "world") -> dict[str, str]:
    """Greet somebody."""
    return {"message": f"hello, {name}"}


def build(settings: ServiceSettings) -> web.Application:
    """Make the service."""
    return create_app(settings, routes=[routes])


if __name__ == "__main__":
    run(build(ServiceSettings()))
