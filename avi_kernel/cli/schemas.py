"""JSON schemas as click's parameters."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from avi_kernel.cli.values import key_values

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Schema = dict[str, Any]
Completes = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]
_REFERENCE = "#/components/schemas/"
_JSON = "application/json"


class Schemas:
    """Looks things up in an OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})

    def plain(self, schema: Schema) -> Schema:
        """Return a schema with its reference followed, and `or null` taken away."""
        if "$ref" in schema:
            return self.plain(self._schemas.get(schema["$ref"].removeprefix(_REFERENCE), {}))
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.plain({**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}})
        if "anyOf" in schema:
            kept = [each for each in schema["anyOf"] if each.get("type") != "null"]
            outer = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**outer, **self.plain(kept[0])} if len(kept) == 1 else outer
        return schema

    def body_of(self, what: dict[str, Any]) -> Schema:
        """Return the schema of an operation's body."""
        content = what.get("requestBody", {}).get("content", {})
        return self.plain(content.get(_JSON, {}).get("schema", {}))

    def answer_model(self, what: dict[str, Any]) -> str:
        """Return the name of the model that an operation answers with, also of those in a list; or nothing."""
        for status, answer in what.get("responses", {}).items():
            if status.startswith("2"):
                schema = answer.get("content", {}).get(_JSON, {}).get("schema", {})
                reference = schema.get("$ref") or schema.get("items", {}).get("$ref", "")
                return str(reference.removeprefix(_REFERENCE))
        return ""


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

    def pairs(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str] | None:  # noqa: ARG001
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
