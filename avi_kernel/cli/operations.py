"""Commands made from a platform's OpenAPI document: `jobs.submit` becomes `gavip job submit`."""

from collections.abc import Iterator
from typing import Any

import click

from avi_kernel.cli.completion import names_of
from avi_kernel.cli.schemas import parameter_of
from avi_kernel.openapi import Document, Operation, Schemas, is_lone, operations


def command(document: Document, group: str) -> click.Command | None:
    """Return the command of a group, or None where the document has no such group."""
    found = [operation for operation in operations(document) if operation.group == group]
    if not found:
        return None
    schemas = Schemas(document)
    if is_lone(found):
        return _command(found[0], schemas, name=group)
    commands = {operation.name: _command(operation, schemas, name=operation.name) for operation in found}
    return click.Group(name=group, commands=commands, help=f"What can be done with the platform's {group}s.")


def _command(operation: Operation, schemas: Schemas, *, name: str) -> click.Command:
    from avi_kernel.cli.calls import call  # noqa: PLC0415 - it needs `Operation`
    from avi_kernel.cli.special import special_operations  # noqa: PLC0415 - as above

    parameters = list(_parameters(operation, schemas))
    special = special_operations().get(f"{operation.group}.{operation.name}")
    run = special.run if special else call
    if special:
        parameters.append(special.option())
    if operation.is_upload:
        parameters.append(
            click.Argument(["input"], type=click.File("rb"), help="File to send; `-`: standard input.")
        )
    if operation.is_download:
        target = click.Path(dir_okay=False, allow_dash=True)
        parameters.append(
            click.Option(["-o", "--output"], type=target, help="File to write; `-`: standard output.")
        )

    def callback(**given: Any) -> int:
        return run(operation, schemas, given)

    return click.Command(
        name=name,
        params=parameters,
        callback=callback,
        help=f"{operation.summary}.",
        short_help=operation.summary,
    )


def _parameters(operation: Operation, schemas: Schemas) -> Iterator[click.Parameter]:
    for each in operation.what.get("parameters", []):
        if each["in"] not in {"path", "query"}:
            continue
        yield parameter_of(
            each["name"],
            schemas.plain(each.get("schema", {})),
            required=bool(each.get("required")),
            text=each.get("description", ""),
            completes=names_of(schemas.document, each["name"]),
        )
    body = schemas.body_of(operation.what)
    required = set(body.get("required", []))
    asked = {each["name"] for each in operation.what.get("parameters", [])}
    for name, schema in body.get("properties", {}).items():
        if name in asked:  # the address names it already, and `send` puts it into the body too
            continue
        completes = names_of(schemas.document, name)
        yield parameter_of(name, schemas.plain(schema), required=name in required, completes=completes)
