"""Threads, seen from other threads."""

from __future__ import annotations

import sys
import traceback


def stack_of(thread: int, *, frames: int) -> str:
    """Return the innermost frames of a thread's stack as text; empty if there is no such thread."""
    frame = sys._current_frames().get(thread)
    return "" if frame is None else "".join(traceback.format_stack(frame)[-frames:])
