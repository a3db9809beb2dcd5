"""Frozen settings out of the environment, ``.env`` and a TOML file, with the origin of every value."""

from framework.secrets import Profile, Secret, generated_key, keys_or_generate, secret_or_generate
from framework.settings.loading import (
    PREFIX,
    Faults,
    InvalidSettings,
    Loaded,
    Origin,
    load,
    load_with_origins,
)

__all__ = [
    "PREFIX",
    "Faults",
    "InvalidSettings",
    "Loaded",
    "Origin",
    "Profile",
    "Secret",
    "generated_key",
    "keys_or_generate",
    "load",
    "load_with_origins",
    "secret_or_generate",
]
