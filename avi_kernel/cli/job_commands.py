"""What `gavip job` can do beyond the bare operations: wait with a progress bar, follow a log."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from avi_kernel.cli import exits, output
from avi_kernel.cli.calls import Given, as_json, connected, platform, send
from avi_kernel.cli.special import Special
from avi_kernel.openapi import Operation, Schemas
from avi_kernel.sizes import size

if TYPE_CHECKING:
    from avi_kernel.client import Job

_PAUSE = 0.5


def submit(operation: Operation, schemas: Schemas, given: Given) -> int:
    """Submit a job, and with `--wait` follow it to its end."""
    wait = given.pop("wait")
    with connected() as transport:
        view = send(transport, operation, schemas, given)
    if not wait:
        output.show(view if as_json() else _short(view), model="", as_json=as_json())
        return exits.OK
    return _wait(view["id"])


def _short(view: dict[str, Any]) -> dict[str, Any]:
    return {name: view.get(name) for name in ("id", "avi", "version", "pipeline", "phase", "reason", "url")}


def _ended(view: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody who waited wants to know: what became of it, and where."""
    results = [f"{result['name']} ({size(result['size'])})" for result in view["results"]]
    known = {name: view.get(name) for name in ("id", "avi", "version", "pipeline", "phase")}
    return {
        **known,
        "started_at": view["started_at"],
        "ended_at": view["ended_at"],
        "results": results,
        "url": view["url"],
    }


def _wait(job_id: str) -> int:
    """Show a job's progress until it has ended; the bar is on standard error, the job on standard output."""
    from avi_kernel.client import Client, JobFailed  # noqa: PLC0415 - only to wait

    here = platform()
    with exits.told_plainly():
        job = Client(here.url, here.token or "").job(job_id)
        with click.progressbar(length=100, label=_label(job), file=sys.stderr) as bar:

            def show(news: "Job") -> None:
                bar.label = _label(news)
                bar.update(max(0, int(news.progress * 100) - bar.pos))

            job.watch(show)
            try:
                job.wait()
            except JobFailed:
                show(job)
    view = job.view.model_dump(mode="json")
    output.show(view if as_json() else _ended(view), model="", as_json=as_json())
    if job.error:
        click.echo(f"{job.error.message}\n{job.error.hint}".rstrip(), err=True)
    return exits.OK if job.view.phase == "COMPLETED" else exits.JOB_FAILED


def _label(job: "Job") -> str:
    doing = job.reason or ": ".join(filter(None, [job.view.step, job.view.message]))
    return f"{job.id} {job.phase.lower()} {doing}"[:60].ljust(60)


def log(operation: Operation, schemas: Schemas, given: Given) -> int:
    """Print a log; with `--follow` until the job has ended."""
    follow = given.pop("follow")
    given["offset"] = given.get("offset") or 0
    with connected() as transport:
        while True:
            part = send(transport, operation, schemas, given)
            click.echo(part["text"], nl=False)
            more = part["next_offset"] > given["offset"]
            if not more and (part["ended"] or not follow):
                return exits.OK
            given["offset"] = part["next_offset"]
            if not more:
                time.sleep(_PAUSE)


SPECIAL = {
    "job.submit": Special(
        run=submit,
        option=lambda: click.Option(
            ["--wait"], is_flag=True, help="Follow it to its end, with a progress bar."
        ),
    ),
    "job.log": Special(
        run=log,
        option=lambda: click.Option(["-f", "--follow"], is_flag=True, help="Until the job has ended."),
    ),
}
