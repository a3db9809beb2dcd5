"""Four times what a worker can do, and a flood of sign-ins: `python -m benchmarks.overload`.

The service runs in a process of its own and the load comes over loopback, in an open loop: requests are sent at their
time, whatever became of those before.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from statistics import median, quantiles
from typing import Any

import aiohttp
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, public, run
from framework.batteries.auth import Passwords
from framework.batteries.overload import OverloadSettings
from framework.batteries.ratelimits import RateLimitSettings
from framework.server import ServerSettings
from tests.ports import free_port

SEATS, SEAT_SECONDS = 8, 0.02  # like a pool of connections: 400 answers a second
LATENCY_SECONDS = 0.25
SECONDS = 8.0
FLOOD_CLIENTS = 200

Done = tuple[int, float]


def build(port: int) -> web.Application:
    """Make the service; its rate limits are off, for here it is shown what happens without."""
    routes, seats = RouteTableDef(), asyncio.Semaphore(SEATS)

    @routes.get("/work")
    @public
    async def work() -> dict[str, bool]:
        async with seats:
            await asyncio.sleep(SEAT_SECONDS)
        return {"done": True}

    @routes.get("/quick")
    @public
    async def quick() -> dict[str, bool]:
        return {"done": True}

    @routes.post("/sign-in")
    @public
    async def sign_in(passwords: Passwords) -> dict[str, bool]:
        return {"known": await passwords.verify(None, "correct horse")}

    settings = ServiceSettings(
        server=ServerSettings(port=port),
        overload=OverloadSettings(latency_seconds=LATENCY_SECONDS),
        ratelimits=RateLimitSettings(sign_in=""),
    )
    return create_app(settings, routes=[routes])


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Run the service in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.overload", "serve", str(port)]
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere)
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as client, asyncio.timeout(30):
            while not await answers(client, url):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def answers(client: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether somebody listens."""
    try:
        async with client.get(f"{url}/health/live") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def ask(client: aiohttp.ClientSession, url: str, method: str = "GET") -> Done:
    """Return the status of a response, 0 for none, and how many milliseconds it took."""
    started = time.perf_counter()
    try:
        async with client.request(method, url) as response:
            await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    return status, 1000 * (time.perf_counter() - started)


async def at_a_rate(
    per_second: float, seconds: float, send: Callable[[], Coroutine[Any, Any, Done]]
) -> list[Done]:
    """Send requests at their times, and return what became of them."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[Done]] = []
    started = loop.time()
    for number in range(int(per_second * seconds)):
        await asyncio.sleep(started + number / per_second - loop.time())
        tasks.append(asyncio.create_task(send()))
    return await asyncio.gather(*tasks)


def p50(done: Sequence[Done]) -> float:
    """Return the median of how long they took."""
    return median(took for _, took in done)


def p99(done: Sequence[Done]) -> float:
    """Return the 99th percentile of how long they took."""
    return quantiles([took for _, took in done], n=100)[98]


async def overload(url: str) -> None:
    """Print what comes of four times the capacity."""
    capacity = SEATS / SEAT_SECONDS
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        done, alive = await asyncio.gather(
            at_a_rate(4 * capacity, SECONDS, lambda: ask(client, f"{url}/work")),
            at_a_rate(10, SECONDS, lambda: ask(client, f"{url}/health/live")),
        )
    served = [took for status, took in done if status == 200]
    refused = [took for status, took in done if status == 503]
    print(f"4 x {capacity:.0f}/s for {SECONDS:.0f} s: {len(done)} sent")
    print(
        f"  served {len(served)}, {len(served) / SECONDS / capacity:.0%} of the capacity; p50 {median(served):.0f} ms"
    )
    print(
        f"  refused {len(refused)}, p50 {median(refused):.1f} ms; neither {len(done) - len(served) - len(refused)}"
    )
    print(f"  /health/live: {len(alive)} asked, worst {max(took for _, took in alive):.0f} ms")


async def hammer(url: str, seconds: float) -> None:
    """Ask to sign in from many clients, each again a moment after it is refused, and print what became of it."""
    ends_at = time.monotonic() + seconds
    found: Counter[int] = Counter()

    async def insist(client: aiohttp.ClientSession) -> None:
        while time.monotonic() < ends_at:
            found[(await ask(client, f"{url}/sign-in", "POST"))[0]] += 1
            await asyncio.sleep(0.5)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await asyncio.gather(*(insist(client) for _ in range(FLOOD_CLIENTS)))
    print(f"{FLOOD_CLIENTS} clients flood /sign-in: {found[200]} hashed, {found[503]} refused")


async def flood(url: str) -> None:
    """Print what comes of a flood of sign-ins, for the honest and for another route."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as honest:

        async def quick() -> Done:
            return await ask(honest, f"{url}/quick")

        async def sign_in() -> Done:
            return await ask(honest, f"{url}/sign-in", "POST")

        before, alone = await asyncio.gather(at_a_rate(100, SECONDS, quick), at_a_rate(1, SECONDS, sign_in))
        command = [sys.executable, "-m", "benchmarks.overload", "hammer", url, str(SECONDS + 3)]
        attack = await asyncio.create_subprocess_exec(*command)
        await asyncio.sleep(2)
        meanwhile, signed = await asyncio.gather(
            at_a_rate(100, SECONDS, quick), at_a_rate(1, SECONDS, sign_in)
        )
        await attack.wait()
    served = sum(status == 200 for status, _ in signed)
    print(
        f"  honest sign-ins served: {served} of {len(signed)}, p50 {p50(alone):.0f} ms alone, {p50(signed):.0f} ms now"
    )
    print(f"  /quick: p99 {p99(before):.1f} ms with honest sign-ins alone, {p99(meanwhile):.1f} ms now")


async def main() -> None:
    """Print all figures."""
    async with serving() as url:
        await overload(url)
        await flood(url)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        run(build(int(sys.argv[2])))
    elif sys.argv[1:2] == ["hammer"]:
        asyncio.run(hammer(sys.argv[2], float(sys.argv[3])))
    else:
        asyncio.run(main())
