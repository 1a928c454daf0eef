"""`gavip admin simulate`: policies side by side, on what a platform has run or on a made trace."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gavip_hub.config import load_config
from gavip_hub.domain.quota import Quota
from gavip_hub.domain.reports import rows_of
from gavip_hub.domain.simulation import FEWEST_JOBS, Report, simulate
from gavip_hub.domain.traces import Arrival, BadTrace, made_trace, read_trace, write_trace
from gavip_hub.exceptions import BadRequest
from gavip_hub.services.policies import installed, load_policy
from gavip_hub.services.traces import recorded_trace
from gavip_hub.storage.database import Database

MOST_RECORDED = 1_000_000
USAGE = 2


@click.command("simulate")
@click.option(
    "--policy", "policies", multiple=True, help="Policy to try; more than once to compare. Default: all."
)
@click.option(
    "--trace", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Trace to run, a CSV."
)
@click.option(
    "--recorded",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Data root whose jobs are run again.",
)
@click.option("--users", default=200, show_default=True, help="Users of a made trace.")
@click.option("--days", default=30.0, show_default=True, help="Days of a made trace.")
@click.option(
    "--load", default=0.8, show_default=True, help="What a made trace asks for, as a part of the platform."
)
@click.option("--seed", default=1, show_default=True, help="Seed of a made trace.")
@click.option(
    "--platform", type=(float, float), default=(256.0, 64.0), show_default=True, help="Its GB and cores."
)
@click.option(
    "--quota", type=(float, float), default=(64.0, 16.0), show_default=True, help="A user's GB and cores."
)
@click.option("--every", default=30.0, show_default=True, help="Seconds between two passes at least.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the trace here.")
def simulate_command(
    policies: Sequence[str],
    trace: Path | None,
    recorded: Path | None,
    save: Path | None,
    **numbers: Any,
) -> None:
    """Run policies on a trace of jobs, without a machine: the very objects that the scheduler runs.

    The trace is a table, what a platform has run, or made: users differ as Zipf's law says, come in campaigns of jobs,
    most by day.
    """
    every = numbers.pop("every")
    pools = {name: _pool(*numbers.pop(name)) for name in ("platform", "quota")}
    try:
        arrivals = _arrivals(trace, recorded, {**numbers, **pools})
        _require_fit(arrivals, **pools)
        reports = _run(policies or installed(), arrivals, every=every, **pools)
    except (BadTrace, BadRequest) as error:
        click.secho(f"gavip: {error}", fg="red", err=True)
        sys.exit(USAGE)
    if save:
        with save.open("w") as file:
            write_trace(arrivals, file)
    click.echo(table(reports))


def _pool(memory_gb: float, cores: float) -> Quota:
    return Quota(memory_mb=round(memory_gb * 1024), cpu=cores)


def _arrivals(trace: Path | None, recorded: Path | None, made: dict[str, Any]) -> list[Arrival]:
    if trace:
        with trace.open() as file:
            return read_trace(file)
    if recorded:
        database = Database(url=load_config(recorded).database_url)
        return recorded_trace(database, most=MOST_RECORDED)
    return made_trace(**made)


def _require_fit(arrivals: Sequence[Arrival], *, platform: Quota, quota: Quota) -> None:
    if len(arrivals) < FEWEST_JOBS:
        raise BadTrace(f"a trace needs at least two jobs that ran; this one has {len(arrivals)}")
    for one in arrivals:
        if one.memory_mb > min(platform.memory_mb, quota.memory_mb) or one.cpu > min(platform.cpu, quota.cpu):
            raise BadTrace(
                f"{one.job} asks for {one.memory_mb} MB and {one.cpu:g} cores, which never fits: "
                "give the platform and its users more (--platform, --quota)"
            )


def _run(
    policies: Sequence[str], arrivals: Sequence[Arrival], *, every: float, platform: Quota, quota: Quota
) -> dict[str, Report]:
    chosen = {name: load_policy(name) for name in policies}
    reports = {}
    for name, policy in chosen.items():
        with click.progressbar(length=len(arrivals), label=f"{name:<16}", file=sys.stderr) as bar:
            reports[name] = simulate(
                arrivals, policy, platform=platform, quota=quota, every=every, started=bar.update
            )
    return reports


def table(reports: dict[str, Report]) -> str:
    """Return the reports side by side, a policy a column."""
    first = next(iter(reports.values()))
    head = f"{first.jobs} jobs of {first.users} users\n\n{'':<24}" + "".join(
        f"{name:>16}" for name in reports
    )
    lines = [
        f"{title:<24}" + "".join(f"{value:>16}" for value in values) for title, values in rows_of(reports)
    ]
    return "\n".join([head, *lines])
