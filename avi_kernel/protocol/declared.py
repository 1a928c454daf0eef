"""Parameters as an author declares them in code, read with `ast` and never executed."""

import ast
import io
import json
import tokenize
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue, ValidationError

from avi_kernel.protocol.parameters import MOST_PARAMETERS, ParameterSpec, ParameterType
from avi_kernel.protocol.problems import FolderProblem, problem_of
from avi_kernel.protocol.wording import did_you_mean, printable

TAG = "parameters"
LARGEST_SOURCE = 256 * 1024
"""Bytes of one module or cell: its syntax tree takes hundreds of times as much memory."""
TASK_BASE = "AviTask"
TASK_PARAMETER = "AviParameter"
_TYPES: dict[str, ParameterType] = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "Path": "file",
}
_TASK_KEYWORDS = ("default", "type", "help", "title", "unit", "minimum", "maximum", "choices")


def cell_parameters(text: str, file: str) -> list[ParameterSpec]:
    """Read the parameters of a notebook from its cell tagged `parameters`.

    Parameters
    ----------
    text
        The notebook, as JSON.
    file
        Its name, for messages.

    Returns
    -------
    list of ParameterSpec
        In the order of the cell; none where no cell has the tag.

    Raises
    ------
    FolderProblem
        The file is no notebook of format 4, or the cell holds more than plain assignments.
    """
    source = _tagged_source(text, file)
    if source is None:
        return []
    found = list(_assignments(_parsed(source, f"{file}, cell tagged {TAG!r}"), file))
    _require_few(len(found), file)
    comments = _comments(source)
    specs = [
        _of_assignment(name, annotation, value, help_text=comments.get(line, ""), file=file)
        for name, annotation, value, line in found
    ]
    return list({spec.name: spec for spec in specs}.values())


def notebook_cells(text: str, file: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook of format 4.

    Raises
    ------
    FolderProblem
        It is something else.
    """
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise FolderProblem(file, "is not a notebook: it is not JSON") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise FolderProblem(file, "is not a notebook of format 4: it has no list of cells")
    _require_python(notebook, file)
    return cells


def _require_python(notebook: dict[str, Any], file: str) -> None:
    """Refuse a notebook that says that it is in another language; one that says nothing is taken for Python."""
    metadata = notebook.get("metadata")
    said = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = said.get("language") if isinstance(said, dict) else None
    if language and str(language).lower() != "python":
        raise FolderProblem(
            file, f"is written for a kernel of {str(language)[:40]!r}; only notebooks in Python run here"
        )


def _tagged_source(text: str, file: str) -> str | None:
    for cell in notebook_cells(text, file):
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        if cell.get("cell_type") == "code" and isinstance(tags, list) and TAG in tags:
            source = cell.get("source", "")
            return "".join(map(str, source)) if isinstance(source, list) else str(source)
    return None


def _require_few(count: int, file: str) -> None:
    if count > MOST_PARAMETERS:
        raise FolderProblem(file, f"declares {count} parameters; at most {MOST_PARAMETERS} are accepted")


def _parsed(source: str, file: str) -> ast.Module:
    if len(source) > LARGEST_SOURCE:
        raise FolderProblem(
            file, f"has {len(source) // 1024} kB of code; at most {LARGEST_SOURCE // 1024} kB are read"
        )
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise FolderProblem(
            file, f"line {error.lineno}: {error.msg}: {(error.text or '').strip()!r}"
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise FolderProblem(file, "cannot be read as Python") from None


def _comments(source: str) -> dict[int, str]:
    """Return line -> the comment that ends it; `# name: help` keeps all after the hash."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("#").strip() for t in tokens if t.type == tokenize.COMMENT}


Assignment = tuple[str, ast.expr | None, ast.expr | None, int]


def _assignments(tree: ast.Module, file: str) -> Iterator[Assignment]:
    """Yield name, annotation, value and last line; imports and bare text are passed over."""
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                yield name, annotation, value, node.end_lineno or node.lineno
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, None, value, node.end_lineno or node.lineno
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                continue
            case _:
                raise FolderProblem(
                    file,
                    f"line {node.lineno} of the cell tagged {TAG!r}: only `name: type = value` is accepted; "
                    f"move `{_code(node)}` to a later cell",
                )


def _of_assignment(
    name: str, annotation: ast.expr | None, value: ast.expr | None, *, help_text: str, file: str
) -> ParameterSpec:
    default = None if value is None else _literal(value, file, name)
    if optional := _optional(annotation):
        if value is None or default is not None:
            declared = f"{name}: {_code(optional)} | None = None"
            raise FolderProblem(file, f"an optional parameter is None by default: `{declared}`", key=name)
        kind = _annotated(optional, file, name)
        return _spec(file, name=name, type=kind, optional=True, help=help_text)
    kind = _annotated(annotation, file, name) if annotation is not None else _kind_of(default, file, name)
    return _spec(file, name=name, type=kind, default=default, help=help_text)


def _optional(annotation: ast.expr | None) -> ast.expr | None:
    """Return the type before `| None`; None where that is not there."""
    match annotation:
        case ast.BinOp(left=kind, op=ast.BitOr(), right=ast.Constant(value=None)):
            return kind
        case _:
            return None


def _literal(value: ast.expr, file: str, name: str) -> JsonValue:
    match value:
        case ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(value=str()) as path], keywords=[]):
            value = path
        case _:
            pass
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise FolderProblem(
            file, f"the default must be a plain value; got `{_code(value)}`", key=name
        ) from None
    if literal is not None and not isinstance(literal, int | float | str | bool):
        raise FolderProblem(file, f"a parameter is {_choice()}; got `{_code(value)}`", key=name)
    return literal


def _annotated(annotation: ast.expr, file: str, name: str) -> ParameterType:
    word = annotation.value if isinstance(annotation, ast.Constant) else _code(annotation)
    if isinstance(word, str) and word in _TYPES:
        return _TYPES[word]
    raise FolderProblem(file, f"its type must be {_choice()}; got `{_code(annotation)}`", key=name)


def _kind_of(default: JsonValue, file: str, name: str) -> ParameterType:
    if default is None:
        raise FolderProblem(
            file, f"say its type, as in `{name}: float`: it has no default to tell it", key=name
        )
    return _TYPES[type(default).__name__]


def _code(node: ast.AST) -> str:
    """Return the first line of code, cut where it is long."""
    try:
        return printable(ast.unparse(node).splitlines()[0])
    except (ValueError, RecursionError):  # a number of thousands of digits; thousands of operators
        return "..."


def _choice() -> str:
    *most, last = _TYPES
    return f"{', '.join(most)} or {last}"


def _spec(file: str, **fields: Any) -> ParameterSpec:
    try:
        return ParameterSpec(**fields)
    except ValidationError as error:
        raise problem_of(file, error, ParameterSpec, within=str(fields.get("name", ""))) from None


def task_parameters(text: str, file: str, *, stem: str) -> tuple[str, list[ParameterSpec]] | None:
    """Read the Luigi task of a module and its parameters.

    A task is a class that derives from `AviTask`, or from a task in the same module, or that holds an
    `AviParameter(...)`. The one asked for is named like the module (`sky_map.py`: `SkyMap`), or else is the
    last.

    Parameters
    ----------
    stem
        The module's name.

    Returns
    -------
    tuple or None
        Class and parameters; None where the module holds no task.
    """
    tree = _parsed(text, file)
    tasks: dict[str, list[ParameterSpec]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _is_task(node, tasks):
            inherited = [spec for base in node.bases for spec in tasks.get(_last_name(base), [])]
            merged = {spec.name: spec for spec in [*inherited, *_class_parameters(node, file)]}
            _require_few(len(merged), file)
            tasks[node.name] = list(merged.values())
    if not tasks:
        return None
    plain = stem.replace("_", "").replace("-", "").lower()
    named = next((name for name in tasks if name.lower() == plain), list(tasks)[-1])
    return named, tasks[named]


def _is_task(node: ast.ClassDef, tasks: dict[str, list[ParameterSpec]]) -> bool:
    bases = {_last_name(base) for base in node.bases}
    return TASK_BASE in bases or bool(bases & tasks.keys()) or any(_parameter_calls(node))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _parameter_calls(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None, ast.Call]]:
    for item in node.body:
        if isinstance(item, ast.Assign) and len(item.targets) == 1:
            target, annotation, call = item.targets[0], None, item.value
        elif isinstance(item, ast.AnnAssign) and item.value is not None:
            target, annotation, call = item.target, item.annotation, item.value
        else:
            continue
        if (
            isinstance(target, ast.Name)
            and isinstance(call, ast.Call)
            and _last_name(call.func) == TASK_PARAMETER
        ):
            yield target.id, annotation, call


def _class_parameters(node: ast.ClassDef, file: str) -> list[ParameterSpec]:
    calls = list(_parameter_calls(node))
    _require_few(len(calls), file)
    return [_of_call(name, annotation, call, file=file, where=node.name) for name, annotation, call in calls]


def _of_call(
    name: str, annotation: ast.expr | None, call: ast.Call, *, file: str, where: str
) -> ParameterSpec:
    key = f"{where}.{name}"
    given = _keywords(call, file, key)
    kind_node = given.pop("type", annotation)
    fields = {word: _plain(value, file, f"{key}.{word}") for word, value in given.items()}
    default = fields.get("default")
    if default is not None and not isinstance(default, int | float | str | bool):
        raise FolderProblem(file, f"a parameter is {_choice()}", key=key)
    kind = _annotated(kind_node, file, key) if kind_node is not None else _kind_of(default, file, key)
    return _spec(file, name=name, **{"type": kind, **fields})


def _keywords(call: ast.Call, file: str, key: str) -> dict[str, ast.expr]:
    given = {keyword.arg or "**": keyword.value for keyword in call.keywords}
    if call.args:
        given["default"] = call.args[0]
    unknown = [word for word in given if word not in _TASK_KEYWORDS]
    if unknown or len(call.args) > 1:
        word = unknown[0] if unknown else _code(call.args[1])
        meant = did_you_mean(word, _TASK_KEYWORDS)
        accepted = ", ".join(_TASK_KEYWORDS)
        raise FolderProblem(file, f"{TASK_PARAMETER} has no {word!r}; accepted: {accepted}{meant}", key=key)
    return given


def _plain(value: ast.expr, file: str, key: str) -> Any:
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise FolderProblem(file, f"must be a plain value; got `{_code(value)}`", key=key) from None
    return list(literal) if isinstance(literal, tuple) else literal
