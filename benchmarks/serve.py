"""Start one server on one port: `python -m benchmarks.serve MODULE WORK PORT`.

The module has one function, `serve(work, port)`, which builds what that work needs and blocks.
"""

from __future__ import annotations

import importlib
import sys

if __name__ == "__main__":
    module, work, port = sys.argv[1:]
    importlib.import_module(module).serve(work, int(port))
