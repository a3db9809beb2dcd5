"""Print constraints that hold every dependency at the oldest version which the package admits.

``make test-oldest`` installs with them. What only the development needs is left at the newest that fits.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement

from tests.source import ROOT

DEVELOPMENT = "dev"


def requirements() -> Iterator[Requirement]:
    """Yield what the package and its extras depend on, without itself and without the tools of its development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *(extras[name] for name in extras if name != DEVELOPMENT)]
    for requirement in (Requirement(text) for texts in lists for text in texts):
        if requirement.name != project["name"]:
            yield requirement


def oldest(admitted: Iterable[Requirement]) -> Iterator[str]:
    """Yield a line for each requirement, with its lower bound as the only version.

    Raises:
        ValueError: A requirement has no lower bound.
    """
    for requirement in admitted:
        bounds = [part.version for part in requirement.specifier if part.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"'{requirement}' must have one lower bound, such as '>=1.2'")
        yield f"{requirement.name}=={bounds[0]}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(oldest(requirements())) + "\n")
