"""The documents that are sent, and those that are only loaded and dumped."""

from __future__ import annotations

from typing import Any

from benchmarks.data import rows

ADDRESS = {"street": "12 Long Row", "city": "Nottingham", "postcode": "NG1 2DH", "country": "GB"}
ORDER: dict[str, Any] = {
    "reference": "GB-20250001",
    "channel": "web",
    "currency": "GBP",
    "deliver_on": "2025-03-14",
    "express": True,
    "note": "Please leave it with the neighbour, who is called Zoë.",
    "customer": {
        "id": "5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11",
        "name": "Ada Lovelace",
        "email": "ada@engine.example",
        "phone": "+44 115 496 0999",
    },
    "shipping": ADDRESS,
    "billing": {**ADDRESS, "street": "3 Castle Gate"},
    "discount": {"code": "SPRING", "percent": 12.5},
    "items": [
        {"sku": f"BOOK-{n:04}", "title": f"Volume {n} of the notes", "quantity": n, "price_cents": 1295 * n}
        for n in range(1, 6)
    ],
}
FORM = {
    "name": "Ada Lovelace",
    "email": "ada@engine.example",
    "age": "36",
    "subscribed": "true",
    "message": "An engine & a poem = two callings.",
}
CONTACT: dict[str, Any] = {**FORM, "age": 36, "subscribed": True}
ROWS: list[dict[str, Any]] = [{**row, "joined": row["joined"].isoformat()} for row in rows()]
INVOICE: dict[str, Any] = {
    "number": "2025-0042",
    "issued": "2025-03-01",
    "due": "2025-03-31",
    "paid": None,
    "shipped_at": "2025-03-02T08:15:00",
    "created_at": "2025-03-01T17:59:59",
    "net": "1295.50",
    "tax": "246.15",
    "gross": "1541.65",
    "shipping": "4.90",
    "discount": None,
    "deposit": "100.00",
    "seller": "5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11",
    "buyer": "b7a0c9de-6f1c-4d0e-9f1e-1d3a2b4c5d6e",
    "project": None,
    "memo": "Thank you for your order.",
    "terms": "30 days",
    "bank": None,
    "contact": None,
    "reminders": 0,
    "cancelled": False,
}


def tree(depth: int = 8, name: str = "root") -> dict[str, Any]:
    """Return a document as deep as that; each level has one leaf beside the branch that goes on."""
    leaf = {"name": f"{name}-leaf", "weight": 0.5, "children": []}
    children = [leaf, tree(depth - 1, f"level-{depth}")] if depth > 1 else []
    return {"name": name, "weight": depth / 2, "children": children}
