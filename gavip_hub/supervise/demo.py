"""What `gavip demo` shows once the platform runs: a pipeline of the bundled AVI, run by one of its users."""

import asyncio
import sys
from pathlib import Path

import click

from avi_kernel.protocol.api import JobList, JobView, Phase
from avi_kernel.protocol.releases import AviView, ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.exceptions import NotFound
from gavip_hub.services.releases import BUNDLED_OWNER
from gavip_hub.supervise import accounts
from gavip_hub.supervise.examples import content_digest
from gavip_hub.supervise.visitor import Visitor

FINAL = (Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED)
PUBLISH_SECONDS = 60.0
LOOK_SECONDS = 0.3
BAR = 30


async def run_once(config: Gavip, *, user: str = "scientist") -> JobView | None:
    """Run the bundled pipeline, unless a start before this one did; say where its results are.

    Returns
    -------
    JobView or None
        The job; None where no bundled AVI with a pipeline is published.
    """
    visitor = await _signed_in(config, user)
    avi = await _bundled_avi(visitor)
    if avi is None:
        click.echo("No bundled AVI with a pipeline is published.")
        return None
    release = ReleaseView.model_validate(await visitor.get(f"/avis/{avi.name}/releases/{avi.latest}"))
    return await _run(config, visitor, release)


async def run_working_copy(config: Gavip, folder: Path, *, user: str = "operator") -> JobView:
    """Publish a folder of this machine, which an operator may, and run its first pipeline.

    The version is made of the content: what did not change is neither published nor run again.
    """
    visitor = await _signed_in(config, user)
    place = await asyncio.to_thread(folder.resolve)
    slug = place.name.lower().replace("_", "-")
    version = f"dev-{await asyncio.to_thread(content_digest, place)}"
    body = {"folder": str(place), "avi": slug, "version": version}
    release = ReleaseView.model_validate(await visitor.post(f"/avis/{slug}/releases", body))
    click.echo(f"Published {folder} as {release.avi} {release.version}")
    return await _run(config, visitor, release)


async def _signed_in(config: Gavip, user: str) -> Visitor:
    visitor = Visitor(config=config, name=user, password=accounts.read_passwords(config.root)[user])
    await visitor.sign_in()
    return visitor


async def _run(config: Gavip, visitor: Visitor, release: ReleaseView) -> JobView:
    job = await _earlier_job(visitor, release)
    if job is None:
        job = await _follow(visitor, await _submit(visitor, release))
    else:
        click.echo("The job of an earlier start is still here.")
    _tell_result(config, job)
    return job


async def _bundled_avi(visitor: Visitor) -> AviView | None:
    """Wait until the service has published what is bundled."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PUBLISH_SECONDS
    while loop.time() < deadline:
        avis = [AviView.model_validate(one) for one in await visitor.get("/avis")]
        bundled = (avi for avi in avis if avi.owner == BUNDLED_OWNER and avi.pipelines and avi.latest)
        if found := next(bundled, None):
            return found
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _earlier_job(visitor: Visitor, release: ReleaseView) -> JobView | None:
    jobs = JobList.model_validate(await visitor.get(f"/jobs?avi={release.avi}&limit=50"))
    done = [job for job in jobs.items if job.phase is Phase.COMPLETED and job.version == release.version]
    # A list has no results in it.
    return JobView.model_validate(await visitor.get(f"/jobs/{done[0].id}")) if done else None


async def _submit(visitor: Visitor, release: ReleaseView) -> JobView:
    pipeline = next((one for one in release.spec.pipelines if not one.hidden), None)
    title = release.spec.manifest.title or release.avi
    if pipeline is None:
        raise NotFound(f"{title} has no pipeline that can be run by itself.")
    click.echo(f"Running “{pipeline.title or pipeline.name}” of {title} {release.version}")
    body = {"avi": release.avi, "version": release.version, "pipeline": pipeline.name}
    return JobView.model_validate(await visitor.post("/jobs", body))


async def _follow(visitor: Visitor, job: JobView) -> JobView:
    shown = ""
    while True:
        job = JobView.model_validate(await visitor.get(f"/jobs/{job.id}"))
        line = _bar(job)
        if line != shown:
            _show(line, over=bool(shown))
            shown = line
        if job.phase in FINAL:
            click.echo("")
            return job
        await asyncio.sleep(LOOK_SECONDS)


def _bar(job: JobView) -> str:
    fraction = 1.0 if job.phase is Phase.COMPLETED else job.fraction
    done = round(BAR * fraction)
    words = job.reason if job.phase is Phase.QUEUED else job.message or job.step
    return f"  [{'=' * done}{' ' * (BAR - done)}] {fraction:4.0%} {job.phase.value.lower():<9} {words}"[:100]


def _show(line: str, *, over: bool) -> None:
    """Write over the line before on a terminal; below it in a file."""
    terminal = sys.stdout.isatty()
    click.echo(f"\r\033[K{line}" if terminal else ("\n" if over else "") + line, nl=False)


def _tell_result(config: Gavip, job: JobView) -> None:
    if job.error:
        click.secho(f"The job ended in error: {job.error.message} {job.error.hint}".rstrip(), fg="red")
    folder = _folder(config, job)
    click.echo(f"Job {job.id} is {job.phase.value}; its {len(job.results)} results:")
    for result in job.results:
        click.echo(f"  {result.name:<28} {_size(result.size):>9}  {result.title}")
    if folder:
        click.echo(f"  in {folder}")
    click.echo(f"  and at {config.public_url}/services/gavip/jobs/{job.id}")


def _folder(config: Gavip, job: JobView) -> Path | None:
    if not job.attempts:
        return None
    return config.root / "users" / job.owner / "jobs" / job.id / str(job.attempts[-1].number) / "results"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - decimal prefixes
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
