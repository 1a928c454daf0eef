"""Traces of jobs for the simulator: recorded ones as tables, and made ones."""

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from math import pi, sin
from typing import TextIO

from gavip_hub.domain.quota import Quota

DAY = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One job of a trace; times in seconds from its beginning."""

    job: str
    owner: str
    pipeline: str
    """Jobs of one pipeline run for similar times."""
    at: float
    memory_mb: int
    cpu: float
    runs: float
    """How long it runs if nobody ends it."""
    time_limit: int

    @property
    def lasts(self) -> float:
        """How long it holds its room: nothing runs for longer than its limit."""
        return min(self.runs, self.time_limit)


COLUMNS = tuple(field.name for field in fields(Arrival))


class BadTrace(ValueError):
    """A table is no trace; the message names the line and what would be accepted."""


def write_trace(trace: Iterable[Arrival], file: TextIO) -> None:
    """Write a trace as CSV with a head line."""
    rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(arrival) for arrival in trace)


def read_trace(file: TextIO) -> list[Arrival]:
    """Read a trace from CSV, in the order of arrival.

    Raises
    ------
    BadTrace
        A column is missing, or a value cannot be used.
    """
    rows = csv.DictReader(file)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise BadTrace(f"the trace has no column {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
    return sorted(_arrivals(rows), key=lambda arrival: (arrival.at, arrival.job))


def _arrivals(rows: "csv.DictReader[str]") -> Iterator[Arrival]:
    for row in rows:
        try:
            yield Arrival(
                job=row["job"],
                owner=row["owner"],
                pipeline=row["pipeline"],
                at=_not_negative(row["at"]),
                memory_mb=int(row["memory_mb"]),
                cpu=_not_negative(row["cpu"]),
                runs=_not_negative(row["runs"]),
                time_limit=int(row["time_limit"]),
            )
        except (TypeError, ValueError) as error:
            raise BadTrace(f"line {rows.line_num} of the trace cannot be used: {error}") from None


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(f"{text!r} is no number from 0 up")
    return value


def made_trace(
    *, users: int = 200, days: float = 30.0, load: float = 0.8, platform: Quota, quota: Quota, seed: int = 1
) -> list[Arrival]:
    """Make a trace with the habits of a science platform; the same seed makes the same one.

    Users differ as Zipf's law says (the n-th is active 1/n as often as the first) and come in campaigns: one of 1 to
    200 jobs of one kind (log-uniform), most by day. Within a campaign memory and run time vary little; between
    campaigns they are log-normal with medians of 1 GB and five minutes. Time limits are one to ten times the run time.

    Parameters
    ----------
    load
        What the trace asks for, as a part of all memory or cores, whichever is scarcer.
    platform, quota
        Sizes are cut so that each job fits both alone.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    budget, spent = load * days * DAY, 0.0
    activity = [1 / rank for rank in range(1, users + 1)]
    trace: list[Arrival] = []
    while spent < budget:
        owner = chance.choices(range(users), activity)[0]
        campaign = _campaign(
            chance, f"user{owner:03d}", len(trace), days=days, platform=platform, quota=quota
        )
        trace += campaign
        spent += sum(_share(arrival, platform) * arrival.lasts for arrival in campaign)
    return sorted(trace, key=lambda arrival: (arrival.at, arrival.job))


def _campaign(
    chance: random.Random, owner: str, first: int, *, days: float, platform: Quota, quota: Quota
) -> Sequence[Arrival]:
    start, pipeline = _moment(chance, days), f"{owner}/{first}"
    memory, runs = chance.lognormvariate(6.9, 0.9), chance.lognormvariate(5.7, 1.3)
    cpu = chance.choice((0.5, 1.0, 1.0, 2.0))
    limit = int(min(DAY, max(60.0, runs * chance.uniform(1.5, 10.0))))
    gap = chance.expovariate(1 / 20.0)
    return [
        Arrival(
            job=f"j{first + number:07d}",
            owner=owner,
            pipeline=pipeline,
            at=start + number * gap,
            memory_mb=round(min(memory * chance.uniform(0.9, 1.1), platform.memory_mb, quota.memory_mb)),
            cpu=min(cpu, platform.cpu, quota.cpu),
            runs=runs * chance.lognormvariate(0.0, 0.3),
            time_limit=limit,
        )
        for number in range(round(200 ** chance.random()))
    ]


def _moment(chance: random.Random, days: float) -> float:
    """Return a time of the trace, by day rather than by night."""
    while True:
        at = chance.uniform(0.0, days * DAY)
        if chance.random() < 0.5 + 0.5 * sin(2 * pi * at / DAY):
            return at


def _share(arrival: Arrival, platform: Quota) -> float:
    return max(arrival.memory_mb / platform.memory_mb, arrival.cpu / platform.cpu)
