"""What every test may ask for."""

from __future__ import annotations

import hypothesis

pytest_plugins = ("framework.testing", "tests.servers", "tests.processes")

# The clock of a busy machine says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None, print_blob=True)
hypothesis.settings.register_profile("fuzz", deadline=None, print_blob=True, max_examples=100_000)
hypothesis.settings.load_profile("tests")
