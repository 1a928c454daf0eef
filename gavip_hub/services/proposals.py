"""How much memory a job gets: its user's choice, else what past runs needed, else its author's figure, else the default."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, NamedTuple

from pydantic import JsonValue
from sqlalchemy.orm import Session

from avi_kernel.protocol.api import MemorySource
from avi_kernel.protocol.expressions import BadExpression, memory_of
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import ParameterSpec
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.predictor import (
    FEWEST_RUNS,
    JUDGING_RUNS,
    NEWEST_RUNS,
    REMEMBERED_RUNS,
    PastRun,
    Predictor,
    Traits,
)
from gavip_hub.exceptions import BadManifest
from gavip_hub.lately import Lately
from gavip_hub.services.quotas import QuotaService
from gavip_hub.storage import past
from gavip_hub.storage.database import Database
from gavip_hub.storage.past import Measured

SMALLEST_MB = 32
KEPT_FOR = timedelta(minutes=1)
"""Then it is asked whether another run has ended; only if one has is anything learned anew."""
SEEN_AT_A_GLANCE = 20
"""Runs; to learn from more of them takes longer than a page may."""
MOST_KNOWN = 250
"""Pipelines; the one that was asked for longest ago is forgotten first."""


PipelineKey = tuple[str, int | str | None, tuple[tuple[str, str, bool], ...]]
"""Name, author's figure and parameters: releases that differ in them learn differently from the same runs."""


@dataclass(frozen=True, kw_only=True)
class MemoryProposal:
    """What a job gets where its user chooses nothing, and where that comes from."""

    memory_mb: int
    source: MemorySource
    author_mb: int
    author_source: MemorySource
    """Of the author's figure: `expression`, `author`, or `default` where there is none."""
    past_mb: int = 0
    """The most that past runs needed, rounded up; 0 where none is known."""


class _Known(NamedTuple):
    at: datetime
    ended: int
    """A hash of the jobs that had ended."""
    few: Sequence[Measured]
    """The runs, where there are too few to tell everybody of them."""
    predictor: Predictor


class MemoryProposals:
    """Proposes memory from all users' past runs; it tells of them no more than numbers that are rounded up.

    What was learned is kept until another run ends: forms ask at each key, and learning takes a moment.
    """

    def __init__(self, *, database: Database, quotas: QuotaService, config: Gavip, clock: Clock) -> None:
        self._database = database
        self._quotas = quotas
        self._config = config
        self._clock = clock
        self._known: Lately[tuple[str, PipelineKey], _Known] = Lately(most=MOST_KNOWN)

    def propose(
        self,
        *,
        owner: str,
        groups: Sequence[str],
        avi: str,
        pipeline: PipelineSpec,
        parameters: Mapping[str, JsonValue],
    ) -> MemoryProposal:
        """Return what a job with these parameters gets, never more than the pools allow by what past runs tell.

        Raises
        ------
        gavip_hub.exceptions.BadManifest
            The author's formula gives nothing for them.
        """
        author_mb, source = author_memory(pipeline, parameters, default=self._config.job_memory_mb)
        predictor = self._predictor(owner, avi, pipeline)
        traits = traits_of(pipeline.parameters, parameters)
        most_mb = self._quotas.most_memory(groups)
        found = predictor.propose(traits, author_mb=author_mb, most_mb=most_mb)
        return MemoryProposal(
            memory_mb=author_mb if found is None else max(SMALLEST_MB, found),
            source=source if found is None else "past_runs",
            author_mb=author_mb,
            author_source=source,
            past_mb=predictor.most_mb,
        )

    def _predictor(self, owner: str, avi: str, pipeline: PipelineSpec) -> Predictor:
        known = self._read(avi, pipeline)
        if not known.few:
            return known.predictor
        # So few tell of single people: everybody learns of their own.
        return _learned(pipeline, [run for run in known.few if run.owner == owner])

    def at_a_glance(self, avi: str, pipelines: Sequence[PipelineSpec]) -> set[str]:
        """Return those of which a proposal takes no longer than a glance: it was learned from what ran, or little has run."""
        unknown = [one for one in pipelines if self._known.get((avi, _key(one))) is None]
        often = set()
        if unknown:
            with self._database.reading() as session:
                often = {one.name for one in unknown if self._ran_often(session, avi, one)}
        return {one.name for one in pipelines} - often

    def _ran_often(self, session: Session, avi: str, pipeline: PipelineSpec) -> bool:
        """Tell whether there is much to learn from first; that there is nothing is known from then on."""
        ended = past.newest_ended(session, avi=avi, pipeline=pipeline.name, limit=SEEN_AT_A_GLANCE)
        if not ended:
            nothing = _Known(self._clock.now(), hash(ended), (), _learned(pipeline, []))
            self._known.put((avi, _key(pipeline)), nothing)
        return len(ended.split()) >= SEEN_AT_A_GLANCE

    def _read(self, avi: str, pipeline: PipelineSpec) -> _Known:
        now, key = self._clock.now(), (avi, _key(pipeline))
        known = self._known.get(key)
        if known is None or not now - KEPT_FOR <= known.at <= now:
            known = self._read_anew(avi, pipeline, now, known)
            self._known.put(key, known)
        return known

    def _read_anew(self, avi: str, pipeline: PipelineSpec, now: datetime, known: _Known | None) -> _Known:
        asked: dict[str, Any] = {"avi": avi, "pipeline": pipeline.name, "limit": REMEMBERED_RUNS}
        with self._database.reading() as session:
            names = past.newest_ended(session, **asked)
            ended = hash(names)
            if known is not None and known.ended == ended:
                return known._replace(at=now)
            runs = past.measured(session, **asked) if names else []
        few = runs if len(runs) < FEWEST_RUNS else ()
        return _Known(now, ended, few, _learned(pipeline, runs))


def _key(pipeline: PipelineSpec) -> PipelineKey:
    return (
        pipeline.name,
        pipeline.resources.memory,
        tuple((one.name, one.type, bool(one.choices)) for one in pipeline.parameters),
    )


def author_memory(
    pipeline: PipelineSpec, parameters: Mapping[str, JsonValue], *, default: int
) -> tuple[int, MemorySource]:
    """Return the author's MB for these parameters, else the platform's.

    Raises
    ------
    gavip_hub.exceptions.BadManifest
        The author's formula gives nothing for them.
    """
    declared = pipeline.resources.memory
    if isinstance(declared, str):
        return _expressed(declared, parameters), "expression"
    if declared is not None:
        return max(SMALLEST_MB, declared), "author"
    return default, "default"


def _expressed(expression: str, parameters: Mapping[str, JsonValue]) -> int:
    try:
        return max(SMALLEST_MB, memory_of(expression, parameters))
    except BadExpression as error:
        raise BadManifest(
            f"the pipeline's memory expression: {error}; choose the memory yourself", field="memory_mb"
        ) from None


def _author_mb(pipeline: PipelineSpec, parameters: Mapping[str, JsonValue]) -> int:
    """Return what its author's figure would have given a past run; 0 where it gives nothing."""
    if pipeline.resources.memory is None:
        return 0
    with suppress(BadManifest):
        return author_memory(pipeline, parameters, default=0)[0]
    return 0


def traits_of(specs: Sequence[ParameterSpec], parameters: Mapping[str, JsonValue]) -> Traits:
    """Return what of a job's parameters may tell of its memory: numbers, choices and switches, but no free text."""
    numbers: dict[str, float] = {}
    kinds: dict[str, str | bool] = {}
    for spec in specs:
        match parameters.get(spec.name), spec.type:
            case bool() as switch, "boolean":
                kinds[spec.name] = switch
            case (int() | float()) as number, "integer" | "number" if not isinstance(number, bool):
                numbers[spec.name] = float(number)
            case str() as choice, "string" if spec.choices:
                kinds[spec.name] = choice
    return Traits(numbers, kinds)


def _learned(pipeline: PipelineSpec, runs: Sequence[Measured]) -> Predictor:
    """Return what runs teach, the newest of which comes first."""
    told = [run for run in runs if 0 < run.peak_mb < inf]
    # Of those that were killed some are left out, in whose place older ones count.
    asked = JUDGING_RUNS + NEWEST_RUNS + sum(run.is_killed for run in told)
    past_runs = [
        PastRun(
            peak_mb=run.peak_mb,
            asked_mb=run.memory_mb,
            is_killed=run.is_killed,
            # Of an old run nobody asks any more what it was asked to do, nor what its author thought: it takes a while.
            author_mb=_author_mb(pipeline, run.parameters) if age < JUDGING_RUNS else 0,
            traits=traits_of(pipeline.parameters, run.parameters) if age < asked else Traits(),
        )
        for age, run in enumerate(told)
    ]
    return Predictor(reversed(past_runs))
