"""Who is in which room."""

from __future__ import annotations

from typing import Generic, TypeVar

M = TypeVar("M")


class Membership(Generic[M]):
    """The members of each room; rooms come and go with their members."""

    def __init__(self, room_size: int) -> None:
        self._room_size = room_size
        self._rooms: dict[str, dict[M, None]] = {}

    def add(self, room: str, member: M) -> bool:
        """Let a member in; False if the room is full."""
        members = self._rooms.get(room, {})
        if len(members) >= self._room_size:
            return False
        members[member] = None
        self._rooms[room] = members
        return True

    def remove(self, room: str, member: M) -> None:
        """Let a member out, if it is still in."""
        members = self._rooms.get(room, {})
        members.pop(member, None)
        if not members:
            self._rooms.pop(room, None)

    def of(self, room: str) -> tuple[M, ...]:
        """Return who is in a room, in the order of their coming."""
        return tuple(self._rooms.get(room, ()))

    def counts(self) -> dict[str, int]:
        """Return the number of members by room."""
        return {room: len(members) for room, members in self._rooms.items()}
