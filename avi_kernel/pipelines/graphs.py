"""Run a pipeline that is a task graph, and follow it from outside its process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from avi_kernel.pipelines import failures
from avi_kernel.pipelines.failures import PipelineFailed
from avi_kernel.pipelines.places import JobPlaces
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.runs import JobError, Progress
from avi_kernel.reporter import Report


class GraphPipeline:
    """The task graph of one job."""

    def __init__(self, *, places: JobPlaces, report: Report, environ: Mapping[str, str]) -> None:
        self._places = places
        self._report = report
        self._environ = environ
        self._step = ""

    def run(self, pipeline: PipelineSpec, parameters: Mapping[str, JsonValue]) -> None:
        """Run the graph in a process of its own.

        Raises
        ------
        PipelineFailed
            With the task and its error.
        """
        self._step = pipeline.task or pipeline.name
        asked = {
            "code": str(self._places.code),
            "path": pipeline.path,
            "task": self._step,
            "parameters": dict(parameters),
        }
        exit_code, told = self._run(json.dumps(asked))
        if told is None:
            raise PipelineFailed(failures.died(step=self._step, cell=None, source="", exit_code=exit_code))
        if told["error"]:
            raise PipelineFailed(JobError.model_validate(told["error"]))

    def _run(self, asked: str) -> tuple[int, dict[str, Any] | None]:
        """Return exit status and the last word of the process; None where it had none."""
        reading, writing = os.pipe()
        command = [sys.executable, "-P", "-m", "avi_kernel.pipelines.graph_app", str(writing)]
        environment = self._places.child_environment(self._environ)
        last = None
        with (
            subprocess.Popen(
                command,
                cwd=self._places.work,
                env=environment,
                stdin=subprocess.PIPE,
                pass_fds=[writing],
                text=True,
            ) as process,
            os.fdopen(reading, encoding="utf-8") as events,
        ):
            os.close(writing)
            if process.stdin:
                process.stdin.write(asked)
                process.stdin.close()
            for line in events:
                event = json.loads(line)
                if "error" in event:
                    last = event
                else:
                    self._tell(event)
        return process.returncode, last

    def _tell(self, event: dict[str, Any]) -> None:
        total = max(1, event["total"])
        self._step = event["step"]
        progress = Progress(
            fraction=min(1.0, event["done"] / total),
            message=f"task {min(event['done'] + 1, total)} of {total}",
            step=self._step[:200],
        )
        self._report(progress, (progress.fraction, 1 / total))
