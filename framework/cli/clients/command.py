"""``framework client python``: a module that calls a service, with its types and errors."""

from __future__ import annotations

from pathlib import Path

import click

from framework import validation
from framework.batteries.openapi import document_of
from framework.cli.clients.modules import module_of
from framework.cli.loading import find_service, target_argument, teaching


@click.command()
@click.argument("language", type=click.Choice(["python"]))
@target_argument
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@teaching
def client(language: str, target: str, output: Path | None) -> None:
    """Write a typed client of a service; SERVICE may be an OpenAPI document, too: a file that ends in .json."""
    if target.endswith(".json"):
        document = validation.decode(Path(target).read_bytes())
    else:
        document = validation.decode(document_of(find_service(target).make_from_environment()))
    text = module_of(document)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
