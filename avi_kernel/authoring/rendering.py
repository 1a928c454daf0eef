"""`python -m avi_kernel.authoring.rendering REQUEST`: an AVI's files of a template, made on a machine that is not its author's.

A program of its own, with limits: a template is a stranger's, and a line of it may take the memory or the time of whoever
renders it. Nobody is asked anything, and nothing is fetched.
"""

import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

MB = 1024 * 1024
MEMORY_MB = 1024
LARGEST_FILE = 16 * MB
UNFIT = 2
"""Exit status that says why in the reply."""
TOO_MUCH = 3
"""Exit status where a limit ended it."""


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """What is to be made."""

    folder: str
    reply: str
    """File that says what went wrong."""
    address: str
    """As the AVI is to remember its template."""
    processor: int
    """Seconds of it that each process may take."""
    version: str = ""
    repository: str = ""
    """Bare repository that has it; empty for a template that comes with the command."""
    proposed: dict[str, str] = field(default_factory=dict)
    """Answers in place of the template's own defaults."""

    def to_json(self) -> str:
        """Return it as an argument of this program."""
        return json.dumps(asdict(self))


def limit(processor: int) -> None:
    """Set what this process may take, and each that it starts."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * MB, MEMORY_MB * MB))
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


def main(argument: str) -> int:
    """Make them; tell by the reply's file what went wrong."""
    asked = Rendering(**json.loads(argument))
    limit(asked.processor)
    from avi_kernel.authoring import from_template  # noqa: PLC0415 - once the limits are set
    from avi_kernel.authoring.problems import AuthoringProblem  # noqa: PLC0415 - as above

    source = from_template.Source(
        address=asked.address,
        version=asked.version,
        repository=Path(asked.repository) if asked.repository else None,
    )
    try:
        from_template.make(Path(asked.folder), source=source, answers={}, proposed=asked.proposed, ask=False)
    except from_template.Ended:
        return TOO_MUCH
    except AuthoringProblem as problem:
        Path(asked.reply).write_text(" ".join(filter(None, [str(problem), problem.next_step])), "utf-8")
        return UNFIT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
