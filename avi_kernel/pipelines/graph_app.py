"""The program that runs a task graph by Luigi.

A process of its own, so that the runner is alive to tell of whatever the author's code does to its interpreter. It reads
what to run from standard input, and writes one JSON value a line to the file descriptor it was given.
"""

import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from avi_kernel import fast_imports, packages

fast_imports.apply()

from avi_kernel.pipelines import author, failures  # noqa: E402 - after the mend
from avi_kernel.pipelines.tasks import AviLocalTarget, luigi  # noqa: E402 - as above
from avi_kernel.protocol.runs import JobError  # noqa: E402 - as above

Tell = Callable[[dict[str, Any]], None]


class GraphRun:
    """One run of one task with everything that it requires."""

    def __init__(self, *, code: Path, tell: Tell) -> None:
        self._code = code.resolve()
        self._tell = tell
        self._total = 0
        self._done = 0
        self.error: JobError | None = None

    def run(self, path: str, task: str, parameters: dict[str, Any]) -> None:
        """Run a task of a module of the AVI; what is there already is not run again."""
        step = task
        try:
            final = getattr(load_module(self._code / path), task)(**parameters)
            tasks = list(all_tasks(final))
            waiting = [each for each in tasks if not each.complete()]
        except Exception as error:  # noqa: BLE001 - the author's code runs here
            self._fail(step, error)
            return
        self._total = len(waiting)
        for each in tasks:
            if each not in waiting:
                _log(f"{each.task_family}: its output is there already, skipped")
        self._listen()
        luigi.build([final], local_scheduler=True, no_lock=True, log_level="CRITICAL")
        if self.error is None and not final.complete():
            self._fail(step, RuntimeError("the graph ended without this task's output"))
        publish(final, tasks)

    def _listen(self) -> None:
        luigi.Task.event_handler(luigi.Event.START)(self._started)
        luigi.Task.event_handler(luigi.Event.SUCCESS)(self._succeeded)
        for event in (luigi.Event.FAILURE, luigi.Event.BROKEN_TASK):
            luigi.Task.event_handler(event)(lambda task, error: self._fail(task.task_family, error))

    def _started(self, task: Any) -> None:
        _log(f"{task.task_family}: started")
        for target in kept_outputs(task):
            target.begin()
        self._total = max(self._total, self._done + 1)
        self._tell({"step": task.task_family, "done": self._done, "total": self._total})

    def _succeeded(self, task: Any) -> None:
        self._done += 1
        for target in kept_outputs(task):
            target.finish()
        if not task.complete():
            missing = ", ".join(str(each) for each in luigi.task.flatten(task.output()) if not each.exists())
            self._fail(task.task_family, FileNotFoundError(f"run() ended without making {missing}"))
        self._tell({"step": task.task_family, "done": self._done, "total": self._total})

    def _fail(self, step: str, error: BaseException) -> None:
        """Keep the first failure: later ones follow from it."""
        self.error = self.error or failures.raised(
            step=step,
            source=author_source(error.__traceback__, self._code),
            ename=type(error).__name__,
            evalue=str(error),
            traceback="".join(traceback.format_exception(error)),
        )


def _log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def load_module(path: Path) -> ModuleType:
    """Import a module of the AVI by its path; its folder and the AVI's are where it finds others."""
    packages.add()
    sys.path[:0] = [
        folder for folder in (str(path.parent), str(path.parent.parent)) if folder not in sys.path
    ]
    spec = importlib.util.spec_from_file_location(f"avi_pipeline_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def all_tasks(final: luigi.Task) -> Iterator[luigi.Task]:
    """Yield a task and all that it requires, each once, what is required first."""
    seen: set[str] = set()

    def walk(task: luigi.Task) -> Iterator[luigi.Task]:
        if task.task_id in seen:
            return
        seen.add(task.task_id)
        for required in luigi.task.flatten(task.requires()):
            yield from walk(required)
        yield task

    return walk(final)


def kept_outputs(task: luigi.Task) -> list[AviLocalTarget]:
    """Return those outputs of a task of which it is known whether they are whole."""
    return [each for each in luigi.task.flatten(task.output()) if isinstance(each, AviLocalTarget)]


def publish(final: luigi.Task, tasks: list[luigi.Task]) -> None:
    """Copy the final task's outputs, and those with a title, into the results: what exists of them."""
    for task in tasks:
        for target in luigi.task.flatten(task.output()):
            title = target.title if isinstance(target, AviLocalTarget) else ""
            path = getattr(target, "path", None)
            if path and (title or task is final) and target.exists():
                author.result(path, title=title)


def author_source(at: TracebackType | None, code: Path) -> str:
    """Return the innermost function of the AVI's own code in a traceback."""
    source = ""
    while at is not None:
        if Path(at.tb_frame.f_code.co_filename).is_relative_to(code):
            try:
                source = inspect.getsource(at.tb_frame)
            except OSError:
                source = ""
        at = at.tb_next
    return source


def main(descriptor: int) -> int:
    """Run what standard input asks for, and tell of it."""
    asked = json.load(sys.stdin)
    with os.fdopen(descriptor, "w", encoding="utf-8", buffering=1) as events:

        def tell(event: dict[str, Any]) -> None:
            events.write(json.dumps(event) + "\n")

        run = GraphRun(code=Path(asked["code"]), tell=tell)
        run.run(asked["path"], asked["task"], asked["parameters"])
        tell({"error": run.error.model_dump() if run.error else None})
    return 1 if run.error else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
