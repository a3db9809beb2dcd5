"""What can be set from outside; a setting's variable is its path, such as ``FILES_MAX_BYTES``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from framework import ConfigurationError, Secret, ServiceSettings
from framework.batteries.auth import AuthSettings
from framework.batteries.database import DatabaseSettings
from framework.batteries.openapi import OpenAPISettings
from framework.batteries.templates import TemplateSettings

TEMPLATES = Path(__file__).with_name("templates")
DATABASE_URL = Secret("sqlite:///var/app_example.sqlite3")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """Which files can be attached to a post, and where they are kept."""

    folder: Path = Path("var/files")
    max_bytes: int = 10 * 1024 * 1024
    types: frozenset[str] = frozenset(
        {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}
    )

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ConfigurationError("max_bytes must be at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSettings:
    """The services that the digest asks, and how long they have."""

    urls: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings(ServiceSettings):
    """The framework's settings and our own."""

    name: str = "app_example"
    auth: AuthSettings = field(default_factory=lambda: AuthSettings(sign_in_path="/login"))
    openapi: OpenAPISettings = field(default_factory=lambda: OpenAPISettings(title="Notice board"))
    templates: TemplateSettings = field(default_factory=lambda: TemplateSettings(folders=(TEMPLATES,)))
    database: DatabaseSettings = field(default_factory=lambda: DatabaseSettings(url=DATABASE_URL))
    files: FileSettings = field(default_factory=FileSettings)
    digest: DigestSettings = field(default_factory=DigestSettings)
