"""`gavip dev`: an AVI's interface and jobs on its developer's own machine."""

import asyncio
import getpass
import os
import re
import secrets
import signal
import sys
import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avi_kernel import fast_imports
from avi_kernel.cli import exits
from avi_kernel.cli.values import key_values

if TYPE_CHECKING:
    from avi_kernel.standalone.door import Door
    from avi_kernel.standalone.local_jobs import LocalJobs
    from avi_kernel.standalone.server import LocalApi

ROLES = ("scientist", "developer", "operator", "outreach", "anonymous")
PARTS = ("voila", "papermill", "luigi")
_END = "Ctrl-C ends it and its jobs."
_UNSAFE = re.compile(r"[^a-z0-9]+")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Of the interface; 0: any that is free."
)
@click.option(
    "--role", type=click.Choice(ROLES), default="developer", show_default=True, help="Whom to play."
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option(
    "--run", "pipeline", metavar="PIPELINE", help="Run one job in this terminal, with no interface."
)
@click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Of the pipeline to run."
)
def dev(
    folder: Path, port: int, role: str, given: tuple[str, ...], pipeline: str | None, *, no_browser: bool
) -> None:
    """Run the AVI in FOLDER here: its interface, its jobs and a page of them, with no Hub and no limits.

    Everything that it makes goes below FOLDER/.gavip.
    """
    fast_imports.apply()
    if given and not pipeline:
        raise click.UsageError("-p goes with --run PIPELINE.")
    _need(PARTS)
    # What ends us otherwise is to end the interface and the jobs too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with exits.told_plainly():
        if pipeline:
            sys.exit(asyncio.run(_run_one(folder, role, pipeline, key_values(given))))
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(folder, role, port, browser=not no_browser))


def _need(parts: tuple[str, ...]) -> None:
    missing = [part for part in parts if find_spec(part) is None]
    if missing:
        raise exits.Stop(
            f"gavip dev needs what is not installed here: {', '.join(missing)}.",
            code=exits.USAGE,
            next_step="pip install 'avi-kernel[interface,pipelines]'",
        )


def _api(folder: Path, role: str, door: "Door | None" = None) -> "LocalApi":
    from avi_kernel.protocol.api import Profile  # noqa: PLC0415 - `gavip --help` loads this module too
    from avi_kernel.protocol.folder import read_release  # noqa: PLC0415
    from avi_kernel.standalone import own_packages  # noqa: PLC0415
    from avi_kernel.standalone.local_jobs import LocalJobs  # noqa: PLC0415
    from avi_kernel.standalone.server import LocalApi  # noqa: PLC0415

    release = read_release(folder)  # says at once what is wrong with it
    if said := own_packages.notice(folder, release.requirements):
        click.echo(said, err=True)
    user = getpass.getuser()
    jobs = LocalJobs(folder=folder, avi=_slug(folder), owner=user, environ=_outer(role))
    profile = Profile(name=user, roles=[role], avi=jobs.avi)
    return LocalApi(jobs=jobs, token=secrets.token_urlsafe(24), profile=profile, door=door).listen()


def _outer(role: str) -> dict[str, str]:
    """Return what the interface and each job find in their environment, whatever they are told besides."""
    # Python takes a compiled module for the source of the same second and size: a quick edit would not count.
    return {**os.environ, "GAVIP_DEV_PROFILE": role, "PYTHONDONTWRITEBYTECODE": "1"}


def _slug(folder: Path) -> str:
    return _UNSAFE.sub("-", folder.resolve().name.lower()).strip("-")[:20].strip("-") or "avi"


async def _serve(folder: Path, role: str, port: int, *, browser: bool) -> None:
    from avi_kernel.standalone.door import Door  # noqa: PLC0415 - as above

    door = Door()
    api = _api(folder, role, door)
    try:
        if (folder / "app.ipynb").is_file():
            await _interface(api, door, port, browser=browser)
        else:
            await _page_alone(api, door, browser=browser)
    finally:
        await api.close()


async def _page_alone(api: "LocalApi", door: "Door", *, browser: bool) -> None:
    """Serve the page of an AVI that has no interface until its developer ends it."""
    click.echo(f"{api.jobs.avi} has no app.ipynb; its pipelines and jobs are at {door.address}\n{_END}")
    if browser:
        webbrowser.open(door.address)
    await asyncio.Event().wait()


async def _interface(api: "LocalApi", door: "Door", port: int, *, browser: bool) -> None:
    """Run the interface server until it or its developer ends it."""
    api.jobs.work.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "avi_kernel.interface", "--standalone", "--port", str(port)),
        *("--folder", str(api.jobs.folder), "--work-dir", str(api.jobs.work)),
        env=_environment(api),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        address = (await process.stdout.readline()).decode().strip() if process.stdout else ""
        if address:
            api.interface = address
            click.echo(
                f"{api.jobs.avi} is at {address}\nIts pipelines and jobs are at {door.address}\n{_END}"
            )
            if browser:
                webbrowser.open(address)
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _environment(api: "LocalApi") -> dict[str, str]:
    jobs = api.jobs
    return {
        **(jobs.environ or {}),
        "GAVIP_API_URL": jobs.api_url,
        "GAVIP_TOKEN": api.token,
        "GAVIP_USER": jobs.owner,
        "GAVIP_USER_SPACE": str(jobs.work.parent),
        "GAVIP_WORK_DIR": str(jobs.work),
        "GAVIP_AVI": jobs.avi,
        "GAVIP_CODE_DIR": str(jobs.folder),
    }


async def _run_one(folder: Path, role: str, pipeline: str, parameters: dict[str, str]) -> int:
    from avi_kernel.protocol.api import JobSubmit  # noqa: PLC0415 - as above

    api = _api(folder, role)
    try:
        request = JobSubmit(avi=api.jobs.avi, pipeline=pipeline, parameters=dict(parameters))
        job = (await api.jobs.submit(request)).id
        return await _follow(api.jobs, job)
    finally:
        await api.close()


async def _follow(jobs: "LocalJobs", job: str) -> int:
    """Show a job's log until it has ended, then where its results are."""
    ending = asyncio.create_task(jobs.ended(job))
    offset = 0
    while True:
        done = ending.done()
        part = jobs.store.log(job, offset)
        click.echo(part.text, nl=False)
        offset = part.next_offset
        if done and not part.text:
            break
        await asyncio.wait({ending}, timeout=0.2)
    view = jobs.store.get(job)
    for entry in view.results:
        click.echo(f"{jobs.store.result(job, entry.name)}  {entry.title}")
    return exits.OK if view.error is None else exits.JOB_FAILED
