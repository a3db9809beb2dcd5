"""What every server knows: the keys, the rules of the fields and the rows that it serves.

Imports nothing but the standard library, because it counts towards each server's memory and start-up.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

SECRET = "benchmark-secret-that-is-longer-than-32-bytes"
ISSUER = "https://issuer.example"
AUDIENCE = "orders"
ORIGIN = "https://shop.example"
TEMPLATES = Path(__file__).parent / "templates"

# One set of patterns for every library, so that no dialect checks less than another.
REFERENCE = r"^[A-Z]{2}-[0-9]{6,12}$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
SKU = r"^[A-Z0-9-]{4,20}$"
COUNTRY = r"^[A-Z]{2}$"
CHANNELS = ("web", "app", "shop")
CURRENCIES = ("EUR", "USD", "GBP")

GIB = 1 << 30
CHUNK = 1 << 16


def rows(count: int = 1000) -> list[dict[str, Any]]:
    """Return `count` rows of six plain values, the same in every process."""
    first = dt.date(2020, 1, 1)
    return [
        {
            "id": number,
            "name": f"Customer {number}",
            "email": f"customer{number}@mail.example",
            "balance": number / 4,
            "active": number % 3 != 0,
            "joined": first + dt.timedelta(days=number),
        }
        for number in range(count)
    ]


def page_values() -> dict[str, Any]:
    """Return what the page of 20 rows shows; the title proves that the template escapes."""
    return {"title": "Tom & Jerry's <orders>", "rows": rows(20)}


def big_file() -> Path:
    """Return the path of the 1 GiB file that the harness has made for downloads."""
    return Path(os.environ["BENCH_BIG_FILE"])


def route_paths(count: int) -> list[tuple[int, str]]:
    """Return `count` numbered paths with two parameters named `tenant` and `item`.

    Half of them differ in their first segment; the other half only after a parameter, which is the harder
    case for a router.
    """
    return [
        (n, f"/{{tenant}}/kind{n}/{{item}}" if n % 2 else f"/kind{n}/{{tenant}}/{{item}}")
        for n in range(count)
    ]
