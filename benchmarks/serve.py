"""Start one server on one port: `python -m benchmarks.serve NAME WORK PORT`.

A peer's module has one function, `serve(work, port)`, which builds what that work needs and blocks.
"""

from __future__ import annotations

import importlib
import sys

from benchmarks.servers import all_servers

if __name__ == "__main__":
    name, work, port = sys.argv[1:]
    importlib.import_module(all_servers()[name].module).serve(work, int(port))
