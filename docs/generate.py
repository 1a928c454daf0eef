"""Make the reference pages from the code: `python -m docs.generate` (or `make docs`); `--check` tells what is old."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from traitlets import TraitType

from avi_kernel.protocol.manifest import Author, InterfaceDetails, Manifest, ParameterDetails, PipelineDetails
from avi_kernel.protocol.manifest_schema import manifest_schema_bytes
from avi_kernel.protocol.pipeline_tests import ExpectedResult, PipelineTest
from gavip_hub import __version__
from gavip_hub.config import Gavip
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/generate.py; edit the code it is made from. -->\n\n"


def configuration() -> str:
    """Return the page of settings, from the traits of `Gavip`."""
    rows = [_setting(name, trait) for name, trait in sorted(Gavip.class_own_traits(config=True).items())]
    return (
        f"{MADE}# Settings\n\nSet them in `<data root>/config.py`, as `c.Gavip.<name> = …`; the platform reads them at start.\n\n"
        "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _setting(name: str, trait: TraitType[Any, Any]) -> str:
    shown = trait.default_value_repr() if trait.default_value not in ("", 0, 0.0) else "*computed*"
    return f"| `{name}` | `{shown}` | {_cell(trait.help)} |".replace("`*", "*").replace("*`", "*")


def manifest() -> str:
    """Return the page of `avi.toml`, from the models that read it."""
    tables: list[tuple[str, type[BaseModel]]] = [
        ("top of the file", Manifest),
        ("`[[authors]]`", Author),
        ("`[interface]`", InterfaceDetails),
        ("`[pipelines.<name>]`", PipelineDetails),
        ("`[pipelines.<name>.parameters.<parameter>]`", ParameterDetails),
        ("`[[pipelines.<name>.tests]]`", PipelineTest),
        ('`[pipelines.<name>.tests.results."<file>"]`', ExpectedResult),
    ]
    body = "\n\n".join(_table(title, model) for title, model in tables)
    return (
        f"{MADE}# The manifest `avi.toml`\n\nConvention comes first: a repository with only `app.ipynb` is a valid AVI, and every key below may be left "
        "out. Parameters, their types and defaults come from the notebook's cell tagged `parameters`; one declared as "
        "`name: float | None = None` may be left empty, and is None then. An unknown key is an error that names "
        "the file, the line, the key and what would be accepted.\n\nIts JSON Schema is [avi.schema.json](avi.schema.json); every platform serves it "
        "without sign-in at `/services/gavip/api/avi.schema.json`. An editor with support for TOML (Taplo, Even Better TOML) completes and checks by it "
        f"where the file begins with `#:schema https://<platform>/services/gavip/api/avi.schema.json`.\n\n{body}\n"
    )


def _table(title: str, model: type[BaseModel]) -> str:
    properties = model.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | {_type(schema)} | {_default(model, name)} | {_meaning(model, name)} |"
        for name, schema in properties.items()
    ]
    head = f"## {title}\n\n{model.__doc__}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"
    return head + "\n".join(rows)


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "$ref" in schema:
        return "table"
    return str(schema.get("type", "any"))


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "" if value is None or isinstance(value, BaseModel) or value in ("", [], {}) else f"`{value}`"


def _meaning(model: type[BaseModel], name: str) -> str:
    return _cell(model.model_fields[name].description or "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def interface() -> str:
    """Return the page of the REST interface, from the served OpenAPI document."""
    api = document(API_HANDLERS, version=__version__)
    groups: dict[str, list[str]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            tag = operation["operationId"].split(".")[0]
            groups.setdefault(tag, []).append(_operation(path, method, operation))
    body = "\n\n".join(f"## {tag}\n\n" + "\n\n".join(operations) for tag, operations in groups.items())
    return (
        f"{MADE}# The REST interface\n\nBelow `/services/gavip/api`; `GET /openapi.json` serves the same as an OpenAPI {api['openapi']} document. "
        "Send a Hub token as `Authorization: Bearer <token>`. Every refusal is "
        f'`{{"error": code, "message": sentence, "field": name or null}}` with the right status.\n\n{body}\n'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    lines = [
        f"### `{method.upper()} {path}`",
        "",
        f"`{operation['operationId']}`: {operation.get('summary', '')}",
        "",
    ]
    lines += [_parameter(parameter) for parameter in operation.get("parameters", [])]
    if "requestBody" in operation:
        lines.append(f"- body: {_content(operation['requestBody'])}")
    lines += [
        f"- {status}: {response['description']} {_content(response)}".rstrip()
        for status, response in operation["responses"].items()
    ]
    return "\n".join(lines)


def _parameter(parameter: dict[str, Any]) -> str:
    return f"- `{parameter['name']}` ({parameter['in']}): {parameter.get('description', '')}".rstrip(": ")


def _content(holder: dict[str, Any]) -> str:
    schemas = [media.get("schema", {}) for media in holder.get("content", {}).values()]
    return ", ".join(f"`{schema['$ref'].rsplit('/', 1)[-1]}`" for schema in schemas if "$ref" in schema)


def manifest_schema() -> str:
    """Return the JSON Schema of `avi.toml`, as the platform serves it."""
    return manifest_schema_bytes().decode()


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "manifest.md": manifest,
    "api.md": interface,
    "avi.schema.json": manifest_schema,
}


def outdated() -> Iterator[str]:
    """Yield the names of reference pages that the code has left behind."""
    for name, make in PAGES.items():
        page = REFERENCE / name
        if not page.is_file() or page.read_text() != make():
            yield name


def main() -> None:
    """Write the pages, or with `--check` say which are old."""
    if "--check" in sys.argv:
        sys.exit("\n".join(f"docs/reference/{name} is old: run make docs" for name in outdated()) or 0)
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make())


if __name__ == "__main__":
    main()
