"""Who is next: the order of those who wait."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Those who wait: first come, first served among those of one name, and the names by turns.

    So whoever asks a thousand times waits behind himself, and somebody who asks once is next but one.

    Args:
        most: How many wait in all.
        most_each: How many of one name.

    Attributes:
        most: How many wait at most.
        size: How many wait.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self.most = most
        self._most_each = most_each
        self._lines: dict[str, deque[T]] = {}
        self.size = 0

    def put(self, name: str, ticket: T) -> T | None:
        """Add a ticket and return the one that there is no room for: this one, another's, or None if all have room.

        Where all places are taken, somebody with one ticket takes the newest of somebody with more.
        """
        line = self._lines.get(name)
        length = 0 if line is None else len(line)
        if length >= self._most_each:
            return ticket
        displaced: T | None = None
        if self.size >= self.most:
            longest = max(self._lines, key=lambda each: len(self._lines[each]), default="")
            if not self._lines or len(self._lines[longest]) <= length + 1:
                return ticket
            displaced = self._lines[longest].pop()
            self.size -= 1
        if line is None:
            line = self._lines[name] = deque()
        line.append(ticket)
        self.size += 1
        return displaced

    def take(self) -> T | None:
        """Return the ticket whose turn it is; None if nobody waits."""
        if not self._lines:
            return None
        name = next(iter(self._lines))
        line = self._lines.pop(name)
        ticket = line.popleft()
        self.size -= 1
        if line:
            self._lines[name] = line  # behind all others
        return ticket

    def remove(self, name: str, ticket: T) -> None:
        """Forget a ticket, if it still waits."""
        line = self._lines.get(name)
        if line is None or ticket not in line:
            return
        line.remove(ticket)
        self.size -= 1
        if not line:
            del self._lines[name]
