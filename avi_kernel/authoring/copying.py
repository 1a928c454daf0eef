"""`python -m avi_kernel.authoring.copying`: copier, in a process of its own.

A template can read the variables of the process that renders it, and git does what they say. Here are few of them.
"""

import errno
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

ANSWERS_FILE = ".copier-answers.yml"
NEVER = [".[gG][iI][tT]"]
"""What no template writes, whatever it says itself: git would do what stands there."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What copier is asked for."""

    what: Literal["copy", "update"]
    folder: str
    reply: str
    """File that says what went wrong."""
    address: str = ""
    tag: str = ""
    """Of the version that is wanted; empty: the newest."""
    answers: dict[str, str] = field(default_factory=dict)
    proposed: dict[str, str] = field(default_factory=dict)
    """Defaults that are better than the template's."""
    ask: bool = False

    def to_json(self) -> str:
        """Return it as an argument of this program."""
        return json.dumps(asdict(self))


_RUNS = "This template wants to run programs of its own (tasks, migrations or extensions of Jinja), and none are run."


class _Refused(Exception):
    """Said to the author as it stands."""


def _carry_out(request: Request) -> None:
    import copier  # noqa: PLC0415 - most that use this module only ask for it

    _blindfold()

    # Settings of one's own may say that a template is trusted to run programs: here none is.
    untrusting = copier.Settings(defaults={}, trust=[])
    common: dict[str, Any] = {
        "data": request.answers,
        "defaults": not request.ask,
        "exclude": NEVER,
        "quiet": True,
        "settings": untrusting,
        "user_defaults": request.proposed,
        "vcs_ref": request.tag or None,
    }
    if request.what == "copy":
        worker = copier.run_copy(request.address, request.folder, **common)
    else:
        worker = copier.run_update(request.folder, overwrite=True, skip_answered=True, **common)
    if worker.template.config_data.get("migrations"):  # copier itself looks at them in an update only
        raise _Refused(_RUNS)
    questions = worker.template.questions_data
    if unknown := sorted(set(request.answers) - set(questions)):
        asked = ", ".join(questions) or "nothing"
        raise _Refused(f"The template does not ask for {unknown[0]!r}; it asks for: {asked}.")


def _blindfold() -> None:
    """Let the filter `fileglob` find nothing: which files there are on this machine is no template's business."""
    from jinja2_ansible_filters import core_filters  # noqa: PLC0415 - it comes with copier

    core_filters.fileglob.__globals__["glob"] = SimpleNamespace(glob=lambda _pattern: [])


def _told(error: Exception) -> str:
    """Return what went wrong in words; what a stranger's template makes copier raise is on nobody's list."""
    from copier.errors import UnsafeTemplateError  # noqa: PLC0415 - as above

    said = " ".join(str(error).split())[:1000]
    match error:
        case _Refused():
            return said
        case UnsafeTemplateError():
            return _RUNS
        case ValueError() if said.startswith("Validation error for question"):
            question, _, why = said.removeprefix("Validation error for question ").partition(": ")
            return f"The answer to {question} is not accepted. {why}"
        case MemoryError():
            return "The template takes more memory than there is for it."
        case OSError(errno=errno.EFBIG):
            return "The template makes a file that is too large."
        case _:
            return f"The template cannot be used: {said or type(error).__name__}"


def main(argument: str) -> int:
    """Carry out a request; tell by the reply's file what went wrong."""
    request = Request(**json.loads(argument))
    os.chdir(request.folder if request.what == "update" else Path(request.folder).parent)
    try:
        _carry_out(request)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - see _told
        Path(request.reply).write_text(_told(error), "utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
