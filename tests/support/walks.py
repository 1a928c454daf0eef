"""Walk state machines of hypothesis for so many events, in as many processes as there are cores."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EVENTS = int(os.environ.get("GAVIP_MACHINE_EVENTS", "12000"))
"""Of all machines together; `make acceptance` walks a million."""
STORED_EVENTS = EVENTS // 100
"""Of these, with real services and a real database: each takes fifty times as long."""
PURE_EVENTS = EVENTS - STORED_EVENTS
STREAMS = 10 + EVENTS // 10_000
"""Examples of what takes a whole simulation each."""

Count = Counter[str]
"""Events by kind."""
Machine = Callable[[Count], RuleBasedStateMachine]
STRIDE = 10_000_019
"""Between the seeds of one process and those of the next."""


@dataclass(frozen=True, kw_only=True)
class Walked:
    """How far a machine was walked."""

    count: Count
    seed: int
    seconds: float

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.count.most_common())
        return f"events: {self.count.total()}, seed: {self.seed}, time: {self.seconds:.0f} s ({kinds})"


def walk(machine: Machine, *, events: int, number: int, steps: int) -> Walked:
    """Walk a machine on all cores until so many events happened with every check passed."""
    began = time.monotonic()
    cores = os.cpu_count() or 1
    share = -(-events // cores)
    # Not forked: the tests' own process has threads.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as processes:
        walks = processes.map(
            partial(_walk, machine, share, steps), [number + STRIDE * core for core in range(cores)]
        )
        count = sum(walks, Count())
    return Walked(count=count, seed=number, seconds=time.monotonic() - began)


def walk_and_tell(
    request: pytest.FixtureRequest, machine: Machine, what: str, *, events: int, steps: int
) -> Count:
    """Walk a machine from the session's seed, tell at its end how far, and return what happened."""
    walked = walk(machine, events=events, number=request.getfixturevalue("seed"), steps=steps)
    request.getfixturevalue("tell")(f"{what}: {walked}")
    assert walked.count.total() >= events
    return walked.count


def _walk(machine: Machine, events: int, steps: int, number: int) -> Count:
    count = Count()
    while count.total() < events:
        factory = seed(number)(partial(machine, count))
        left = events - count.total()
        run_state_machine_as_test(factory, settings=_settings(steps, min(50, 1 + left // steps)))
        number += 1
    return count


def _settings(steps: int, examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def picked(things: Sequence[str], pick: int) -> str:
    """Return one of what is there."""
    return things[pick % len(things)]
