"""`gavip dev`: an AVI's interface and jobs on its developer's own machine."""

import asyncio
import getpass
import os
import re
import secrets
import signal
import sys
import webbrowser
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avi_kernel import fast_imports
from avi_kernel.cli import exits
from avi_kernel.cli.values import key_values

if TYPE_CHECKING:
    from avi_kernel.standalone.door import Door
    from avi_kernel.standalone.inside import Inside
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
@click.option(
    "--image",
    metavar="[NAME]",
    is_flag=False,
    flag_value="",
    help="Run all of it in a container: of the image that avi.toml names, or of another.",
)
@click.option("--memory", type=click.IntRange(64), metavar="MB", help="Of the container.")
@click.option("--cpus", type=click.FloatRange(0.01), metavar="CORES", help="Of the container.")
def dev(
    folder: Path,
    *,
    port: int,
    role: str,
    given: tuple[str, ...],
    pipeline: str | None,
    image: str | None,
    memory: int | None,
    cpus: float | None,
    no_browser: bool,
) -> None:
    """Run the AVI in FOLDER here: its interface, its jobs and a page of them, with no Hub.

    Everything that it makes goes below FOLDER/.gavip. With --image it sees nothing else of this machine.
    """
    fast_imports.apply()
    if given and not pipeline:
        raise click.UsageError("-p goes with --run PIPELINE.")
    if image is None and (memory or cpus):
        raise click.UsageError("--memory and --cpus go with --image.")
    # What ends us otherwise is to end the interface and the jobs too, as Ctrl-C does.
    for end in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(end) is not signal.SIG_IGN:  # as nohup wishes it
            signal.signal(end, signal.default_int_handler)
    with exits.told_plainly(), _quietly(served=pipeline is None):
        if image is not None:
            from avi_kernel.cli import dev_image  # noqa: PLC0415 - `gavip --help` loads this module too

            wanted = dev_image.Wanted(image=image, memory_mb=memory, cpus=cpus, port=port)
            arguments = ["--role", role, *_running(pipeline, given)]
            sys.exit(dev_image.run(folder, _slug(folder), wanted, arguments, browser=not no_browser))
        _need(PARTS)
        inside = _inside()
        if pipeline:
            sys.exit(asyncio.run(_run_one(folder, role, pipeline, key_values(given), inside)))
        asyncio.run(_serve(folder, role, port, inside, browser=not no_browser))


def _quietly(*, served: bool) -> "AbstractContextManager[None]":
    """Take Ctrl-C as the end of what serves; a job that it cut off is told interrupted."""
    return suppress(KeyboardInterrupt) if served else nullcontext()


def _running(pipeline: str | None, given: tuple[str, ...]) -> list[str]:
    if pipeline is None:
        return []
    return ["--run", pipeline, *(word for value in given for word in ("--parameter", value))]


def _inside() -> "Inside | None":
    """Return what is told to a container; it ends with whoever started it."""
    from avi_kernel.standalone.inside import Inside, end_with_input  # noqa: PLC0415 - as above

    inside = Inside.of_environment()
    if inside:
        end_with_input()
    return inside


def _need(parts: tuple[str, ...]) -> None:
    missing = [part for part in parts if find_spec(part) is None]
    if missing:
        raise exits.Stop(
            f"gavip dev needs what is not installed here: {', '.join(missing)}.",
            code=exits.USAGE,
            next_step="pip install 'avi-kernel[interface,pipelines]'",
        )


def _api(folder: Path, role: str, inside: "Inside | None", door: "Door | None" = None) -> "LocalApi":
    from avi_kernel.interface.options import EVERYWHERE  # noqa: PLC0415 - `gavip --help` loads this module too
    from avi_kernel.protocol.api import Profile  # noqa: PLC0415 - as above
    from avi_kernel.protocol.folder import read_release  # noqa: PLC0415 - as above
    from avi_kernel.standalone import own_packages  # noqa: PLC0415 - as above
    from avi_kernel.standalone.local_jobs import LocalJobs  # noqa: PLC0415 - as above
    from avi_kernel.standalone.server import LocalApi  # noqa: PLC0415 - as above

    release = read_release(folder)  # says at once what is wrong with it
    if said := own_packages.notice(folder, release.requirements):
        click.echo(said, err=True)
    user = getpass.getuser()
    avi = inside.avi if inside else _slug(folder)
    jobs = LocalJobs(folder=folder, avi=avi, owner=user, environ=_outer(role))
    profile = Profile(name=user, roles=[role], avi=jobs.avi)
    api = LocalApi(jobs=jobs, token=secrets.token_urlsafe(24), profile=profile, door=door)
    return api.listen(ip=EVERYWHERE, port=inside.page_port) if inside else api.listen()


def _outer(role: str) -> dict[str, str]:
    """Return what the interface and each job find in their environment, whatever they are told besides."""
    # Python takes a compiled module for the source of the same second and size: a quick edit would not count.
    return {**os.environ, "GAVIP_DEV_PROFILE": role, "PYTHONDONTWRITEBYTECODE": "1"}


def _slug(folder: Path) -> str:
    return _UNSAFE.sub("-", folder.resolve().name.lower()).strip("-")[:20].strip("-") or "avi"


async def _serve(folder: Path, role: str, port: int, inside: "Inside | None", *, browser: bool) -> None:
    from avi_kernel.standalone.door import Door  # noqa: PLC0415 - as above

    door = Door()
    api = _api(folder, role, inside, door)
    try:
        if (folder / "app.ipynb").is_file():
            await _interface(api, door, port, inside, browser=browser)
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


async def _interface(
    api: "LocalApi", door: "Door", port: int, inside: "Inside | None", *, browser: bool
) -> None:
    """Run the interface server until it or its developer ends it."""
    from avi_kernel.interface.options import EVERYWHERE  # noqa: PLC0415 - as above

    api.jobs.work.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "avi_kernel.interface", "--standalone", "--port", str(port)),
        *("--folder", str(api.jobs.folder), "--work-dir", str(api.jobs.work)),
        *(("--ip", EVERYWHERE) if inside else ()),
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


async def _run_one(
    folder: Path, role: str, pipeline: str, parameters: dict[str, str], inside: "Inside | None"
) -> int:
    from avi_kernel.protocol.api import JobSubmit  # noqa: PLC0415 - as above

    api = _api(folder, role, inside)
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
