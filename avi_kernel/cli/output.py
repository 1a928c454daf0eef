"""Answers for people, in tables and lists; and for programs, in JSON."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from avi_kernel.sizes import size

_COLUMNS = {
    "JobList": ("id", "avi", "pipeline", "phase", "fraction", "created_at", "reason"),
    "AviView": ("name", "title", "latest", "owner", "pipelines", "standing_reason"),
    "ReleaseView": ("avi", "version", "state", "visibility", "standing", "standing_reason", "created_at"),
    "ServerView": ("name", "kind", "version", "state", "memory_mb", "url"),
    "ResultEntry": ("name", "title", "media_type", "size"),
    "PoolView": ("owner", "memory_used_mb", "memory_mb", "cpu_used", "cpu", "jobs_used", "jobs"),
    "FolderView": ("name", "is_folder", "size", "modified_at"),
    "UnfinishedView": ("id", "path", "offset", "size", "touched_at", "kept_until"),
    "EventView": ("at", "kind", "data"),
    "ImageList": ("name", "reference", "image_size", "state", "fraction", "size", "made_at", "sha256"),
    "TemplateView": ("name", "version", "state", "project", "summary"),
}
_MOST_COLUMNS = 6
_GAP = "  "


def show(answer: Any, *, model: str, as_json: bool) -> None:
    """Print an answer.

    Parameters
    ----------
    model
        Name of the answer's model in the document, which chooses the columns of a table.
    """
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif answer is None:
        click.echo("done")
    elif isinstance(answer, dict) and isinstance(answer.get("items"), list):
        _table(answer["items"], model)
        if answer.get("next"):
            click.echo(f"There are more: --before {answer['next']}")
        if answer.get("reason"):
            click.echo(str(answer["reason"]))
    elif isinstance(answer, list):
        _table(answer, model)
    elif isinstance(answer, dict) and model == "ReleaseView":
        _release(answer)
    elif isinstance(answer, dict):
        _fields(answer)
    else:
        click.echo(answer)


def _release(answer: dict[str, Any]) -> None:
    """Print a release, and what each of its pipelines takes."""
    _fields({name: value for name, value in answer.items() if name != "spec"})
    for pipeline in answer["spec"]["pipelines"]:
        if not pipeline["hidden"]:
            click.secho(f"\n{pipeline['name']}: {pipeline['title']}".rstrip(": "), bold=True)
            _table([_taken(each) for each in pipeline["parameters"]], "")


def _taken(parameter: dict[str, Any]) -> dict[str, Any]:
    """Return one parameter as a row: its type, unit, limits and default."""
    limits = [parameter["minimum"], parameter["maximum"]]
    between = " to ".join("…" if limit is None else f"{limit:g}" for limit in limits)
    return {
        "parameter": parameter["name"],
        "type": parameter["type"],
        "unit": parameter["unit"],
        "limits": between if limits != [None, None] else ", ".join(map(str, parameter["choices"])),
        "default": parameter["default"],
        "help": parameter["help"] or parameter["title"],
    }


def _table(rows: list[dict[str, Any]], model: str) -> None:
    if not rows:
        click.echo("none")
        return
    names = _COLUMNS.get(model) or tuple(_scalars(rows[0]))[:_MOST_COLUMNS]
    columns = [name for name in names if any(row.get(name) not in (None, "", []) for row in rows)]
    lines = [[name.replace("_", " ") for name in columns]]
    lines += [[cell(name, row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    most = shutil.get_terminal_size((120, 24)).columns
    for number, line in enumerate(lines):
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        text = _GAP.join(padded).rstrip()[:most]
        click.secho(text, bold=number == 0)


def _scalars(row: dict[str, Any]) -> list[str]:
    return [name for name, value in row.items() if not isinstance(value, dict | list)]


def _fields(answer: dict[str, Any]) -> None:
    known = {name: value for name, value in answer.items() if value not in (None, "", [], {})}
    width = max(map(len, known), default=0)
    for name, value in known.items():
        first, *others = _lines(name, value)
        click.echo(f"{name.replace('_', ' '):<{width}}{_GAP}{first}")
        for line in others:
            click.echo(f"{'':<{width}}{_GAP}{line}")


def _lines(name: str, value: Any) -> list[str]:
    """Return a value in as many lines as it has sentences; most have one."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        sentences = [_name_of(each) for each in value]
        return sentences if any(" " in sentence for sentence in sentences) else [", ".join(sentences)]
    return [cell(name, value)]


def cell(name: str, value: Any) -> str:
    """Return a value as people read it in one line."""
    if name == "at" or name.endswith("_at"):
        return _local_time(str(value or ""))
    if name in _NUMBERS and value is not None:
        return _NUMBERS[name](float(value or 0))
    match value:
        case None | bool():
            return {None: "", True: "yes", False: "no"}[value]
        case list():
            return ", ".join(map(_name_of, value))
        case dict():
            return _pairs(value)
        case _:
            return " ".join(str(value).split())


_NUMBERS: dict[str, Callable[[float], str]] = {"fraction": "{:.0%}".format, "size": size, "image_size": size}


def _estimate(value: dict[str, Any]) -> str:
    soonest, middle, latest = (_local_time(str(value.get(key))) for key in ("soonest", "middle", "latest"))
    rough = (
        f"; rough: {value['unknown']} of the jobs before it hardly ever ran" if value.get("unknown") else ""
    )
    return f"about {middle}, between {soonest} and {latest}{rough}"


def _limit(value: dict[str, Any]) -> str:
    """Return a limit in the way of what waits, in a line."""
    memory = value["limit"] == "memory_mb"
    used, allowed, wanted, needed = (
        f"{value[key] / (1024 if memory else 1):.3g}" for key in ("used", "allowed", "wanted", "needed")
    )
    whose = "your" if value["pool"] == "yours" else "the platform's"
    what = "GB of memory" if memory else "cores"
    return f"{used} of {whose} {allowed} {what} are in use, and it asks for {wanted}: {needed} would let it start"


def _pairs(value: dict[str, Any]) -> str:
    if "soonest" in value:
        return _estimate(value)
    if "message" in value:
        return (
            ". ".join(str(value[part]).rstrip(". ") for part in ("message", "hint") if value.get(part)) + "."
        )
    return ", ".join(f"{key}={each}" for key, each in value.items() if each not in (None, ""))


def _name_of(value: Any) -> str:
    if isinstance(value, dict) and "needed" in value:
        return _limit(value)
    if isinstance(value, dict):
        return str(value.get("name") or value.get("number") or value.get("words") or _pairs(value))
    return str(value)


def _local_time(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return text
