"""Pipelines as graphs of tasks: Luigi's, with typed parameters and outputs that are computed once.

After the AVI framework of the original GAVIP. See docs/adr/0051.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from typing_extensions import override

from avi_kernel.pipelines import author
from avi_kernel.pipelines.fingerprint import fingerprint
from avi_kernel.protocol.parameters import ParameterSpec

with warnings.catch_warnings():
    # Luigi warns at import that a default of its own will change, which nothing here uses.
    warnings.simplefilter("ignore", DeprecationWarning)
    import luigi
    from luigi.parameter import ParameterException

__all__ = ["AviLocalTarget", "AviParameter", "AviTask", "ParameterException", "luigi"]

CACHE_FOLDER = Path("cache", "tasks")
_KEY_LENGTH = 20
_NOT_GIVEN: Any = object()
_WORDS: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "file"}


class AviParameter(luigi.Parameter):
    """A parameter of a task, which a form can ask for and which is checked before the task runs.

    Parameters
    ----------
    default
        Its type is the parameter's where `type` is not given; without a default the user must give a value.
    type
        `int`, `float`, `str`, `bool`, or `Path` for a file of the user's own.
    help
        A sentence for the form.
    title, unit
        Its label and the unit of its values.
    minimum, maximum
        Bounds of a number.
    choices
        All values that are accepted.
    """

    def __init__(
        self,
        default: Any = _NOT_GIVEN,
        *,
        type: type | None = None,  # noqa: A002 - the word that authors expect
        help: str = "",  # noqa: A002 - as above
        title: str = "",
        unit: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Any] = (),
    ) -> None:
        given = default is not _NOT_GIVEN and default is not None
        if not given and type is None:
            raise TypeError(
                "say the parameter's type, as in AviParameter(type=float): it has no default to tell it"
            )
        self.spec = ParameterSpec(
            name="value",
            type=_WORDS[type or default.__class__],
            default=default if given else None,
            title=title,
            help=help,
            unit=unit,
            minimum=minimum,
            maximum=maximum,
            choices=list(choices),
        )
        known: dict[str, Any] = {"default": self.spec.check(default)} if given else {}
        super().__init__(**known, description=help)

    @override
    def parse(self, x: str) -> Any:
        """Return a value of the right type from text."""
        return self.normalize(x)

    @override
    def normalize(self, x: Any) -> Any:
        """Return a value of the right type, or say what would be accepted."""
        if self.spec.type == "file" and Path(str(x)).is_absolute():
            return str(x)  # as a job gets it
        try:
            return self.spec.check(x)
        except ValueError as error:
            raise ParameterException(str(error)) from None

    @override
    def serialize(self, x: Any) -> str:
        """Return a value as text; a file with its content's hash, or a changed one would have old outputs."""
        text: str = super().serialize(x)  # type: ignore[no-untyped-call] # Luigi's
        path = Path(text)
        if self.spec.type != "file" or not path.is_file():
            return text
        status = path.stat()
        return f"{text}#{_content(path, status.st_ino, status.st_size, status.st_mtime_ns)}"


@lru_cache(maxsize=256)
def _content(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class AviLocalTarget(luigi.LocalTarget):
    """A file that a task makes, kept in the user's folder of this AVI and used again.

    Parameters
    ----------
    path
        Where it lies.
    title
        Makes it a result of the job, under this title; the last task's outputs are results in any case.
    """

    def __init__(self, path: str | os.PathLike[str], *, title: str = "", format: Any = None) -> None:  # noqa: A002 - Luigi's own name of it
        super().__init__(str(path), format=format)  # type: ignore[no-untyped-call] # Luigi's
        self.title = title

    @override
    def exists(self) -> bool:
        """Tell whether it is there and whole: what a job was writing when it ended is not."""
        there: bool = super().exists()  # type: ignore[no-untyped-call] # Luigi's
        return there and not self._begun.exists()

    def begin(self) -> None:
        """Note that it is being made."""
        self._begun.parent.mkdir(parents=True, exist_ok=True)
        self._begun.touch()

    def finish(self) -> None:
        """Note that it is whole."""
        self._begun.unlink(missing_ok=True)

    @property
    def _begun(self) -> Path:
        path = Path(self.path)
        return path.with_name(f".{path.name}.begun")


class AviTask(luigi.Task):
    """A step of a pipeline: `requires` other tasks, makes its `output`, does so in `run`.

    An output whose file exists is not made again. `target` names files by a hash of the AVI's files, the task's
    parameters and the tasks it requires, so a change in any of them makes new files and never uses old ones.
    """

    def target(self, name: str, *, title: str = "") -> AviLocalTarget:
        """Return a file of this task, kept from job to job.

        Parameters
        ----------
        name
            File name, such as `sources.vot`.
        title
            Makes it a result under this title.
        """
        return AviLocalTarget(cache_folder() / f"{self.task_family}-{self.key}" / name, title=title)

    @property
    def key(self) -> str:
        """Hash of everything that this task's outputs depend on."""
        task: Any = self
        required = sorted(getattr(each, "key", each.task_id) for each in luigi.task.flatten(task.requires()))
        significant = task.to_str_params(only_significant=True)
        code = fingerprint(code_folder(), outputs=cache_folder())
        content = json.dumps([code, self.task_family, significant, required], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:_KEY_LENGTH]

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell how much of this task is done, 0 to 1."""
        author.progress(fraction, message)


def code_folder() -> Path:
    """Return the AVI's folder."""
    return Path(os.environ.get("GAVIP_CODE_DIR", "."))


def cache_folder() -> Path:
    """Return the folder of outputs that are kept from job to job."""
    return Path(os.environ.get("GAVIP_WORK_DIR", ".")) / CACHE_FOLDER
