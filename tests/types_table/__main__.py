"""Print the table: ``python -m tests.types_table [WORD ...]``; with ``-v`` why a cell is not ok."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from tests.types_table.probing import CASES, POSITIONS, Cell, probe, table


async def main(words: list[str]) -> None:
    cells: dict[tuple[str, str], Cell] = {}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        for case in CASES:
            if words and not any(word in case.name for word in words):
                continue
            for position in POSITIONS:
                try:
                    cells[case.name, position] = await probe(case, position, client)
                except Exception as error:  # noqa: BLE001 - one cell must not hide the others
                    cells[case.name, position] = Cell("broken", repr(error))
    print("\n".join(table(cells)))  # noqa: T201
    if "-v" in sys.argv:
        for (name, position), cell in cells.items():
            if cell.verdict not in ("ok", "-"):
                print(f"{name} / {position}: {cell.verdict}: {cell.detail[:600]}")  # noqa: T201


asyncio.run(main([word for word in sys.argv[1:] if word != "-v"]))
