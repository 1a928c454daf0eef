"""JSON schemas as click's parameters."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from avi_kernel.cli.values import key_values
from avi_kernel.openapi import Schema

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completes = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]


def parameter_of(
    name: str, schema: Schema, *, required: bool, text: str = "", completes: Completes | None = None
) -> click.Parameter:
    """Return an argument for what must be given, an option for the rest.

    Parameters
    ----------
    completes
        What the shell may complete it to, where its type does not say.
    """
    text = text or str(schema.get("description") or schema.get("title") or name)
    type_ = _type_of(schema)
    if required:
        shown = " ".join(filter(None, [text, _accepted(type_)]))
        return click.Argument([name], type=type_, metavar=name.upper(), help=shown, shell_complete=completes)
    flag = "--" + name.replace("_", "-")
    match schema.get("type"):
        case "boolean":
            shown = _with_default(text, schema)
            return click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=shown)
        case "object":
            return _pairs_option(name, text)
        case "array":
            items = _type_of(schema.get("items", {}))
            return click.Option([flag, name], multiple=True, type=items, help=text)
        case _:
            return click.Option(
                [flag, name], type=type_, help=_with_default(text, schema), shell_complete=completes
            )


def _accepted(type_: click.ParamType[Any]) -> str:
    """Return what an argument takes, which an option's help shows by itself."""
    match type_:
        case click.Choice():
            return f"[{'|'.join(map(str, type_.choices))}]"
        case click.IntRange() | click.FloatRange():
            bounds = [bound for bound in (type_.min, type_.max) if bound is not None]
            return (
                f"[{type_.name.removesuffix(' range')}{' ' if bounds else ''}{' to '.join(map(str, bounds))}]"
            )
        case _:
            return ""


def _pairs_option(name: str, text: str) -> click.Option:
    """Return `-p NAME=VALUE`, as often as wanted."""
    word = name.removesuffix("s")

    def pairs(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str] | None:  # noqa: ARG001 - as click calls it
        return key_values(given) if given else None

    flags = [f"-{word[0]}", f"--{word}", name]
    return click.Option(
        flags, multiple=True, metavar="NAME=VALUE", callback=pairs, help=text or "May be repeated."
    )


def _with_default(text: str, schema: Schema) -> str:
    default = schema.get("default")
    if isinstance(default, bool):
        default = "yes" if default else "no"
    return text if default in (None, "") else f"{text}  [default: {default}]"


def _type_of(schema: Schema) -> click.ParamType[Any]:
    if "enum" in schema:
        return click.Choice([str(value) for value in schema["enum"]])
    match schema.get("type"):
        case "integer":
            return click.IntRange(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return click.FloatRange(schema.get("minimum"), schema.get("maximum"))
        case _:
            return click.STRING
