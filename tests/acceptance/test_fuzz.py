"""The whole REST interface under fuzzing, by everybody who may ask: nothing but what the document says, and no 5xx.

`make acceptance` gives it two minutes, `make endurance` ten: see `GAVIP_FUZZ_SECONDS`.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from avi_kernel.protocol.boxes import SPEC_FILE
from gavip_hub.hub.access import INTERFACE_SCOPES
from tests.support.fuzzing import Told, fuzz
from tests.support.platform import Platform, eventually, platform_to_throw_away
from tests.support.published import AVIS, publish, run, submit

# No part of `make test` until ten minutes by all askers were seen without a finding: a seed of its own each time.
pytestmark = [pytest.mark.hub, pytest.mark.acceptance]
SECONDS = float(os.environ.get("GAVIP_FUZZ_SECONDS", "20"))
FULL_SECONDS = 120
"""From here on everybody asks, and at once; in less time one of them alone, drawn by the seed."""
# Little room, so that fuzzing fills queue and pools again and again, and not the machine.
SETTINGS = """
c.Gavip.bundled_avis = False
c.Gavip.platform_memory_mb = 1600
c.Gavip.idle_when_short = 0
c.Gavip.queue_limit = 30
c.Gavip.quota = {"memory_mb": 600, "cpu": 4.0, "jobs": 15, "servers": 2}
c.Gavip.users = {
    "operator": "operator", "developer": "developer", "scientist": "scientist", "visitor": "anonymous",
    "keeper": "scientist",
}
"""
KEEPER = "keeper"
"""Owns the job that `attempt` reports of, and asks for nothing: nobody else may end it."""
DONE_AT_LEAST = {
    "scientist": {"GET /jobs", "POST /jobs", "GET /jobs/{id}", "GET /avis/{avi}"},
    "developer": {"POST /jobs", "GET /avis"},
    "operator": {"POST /policy", "GET /policy"},
    "visitor": {"GET /avis", "GET /jobs"},
    "interface": {"GET /jobs", "GET /me"},
    "attempt": {"POST /attempts/self/progress"},
    "nobody": {"GET /health"},
}
"""What each asker's full fuzzing must have done once: who is refused everything proves nothing."""


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """A platform to throw away, what is there, and who may ask."""

    platform: Platform
    tokens: dict[str, str]
    known: dict[str, list[str]]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    with platform_to_throw_away("fuzz", settings=SETTINGS) as platform:
        yield prepared(platform)


def prepared(platform: Platform) -> Fuzzed:
    """Publish, run and start something, so that what is asked for is there at times."""
    avis = [publish(platform, name) for name in ("works", "sleeps")]
    with platform.client("scientist") as scientist:
        ended = run(scientist, "works")
        jobs = [ended["id"], submit(scientist, "works", start=False)]
    with platform.client(KEEPER) as keeper:
        running = submit(keeper, "sleeps")
    tokens = {user: platform.token(user) for user in platform.users if user != KEEPER}
    tokens |= {"interface": interface_token(platform), "attempt": attempt_token(platform, running)}
    return Fuzzed(
        platform=platform,
        tokens={**tokens, "nobody": ""},
        known={
            "path.avi": avis,
            "body.avi": avis,
            "path.version": ["1.0.0"],
            "body.version": ["1.0.0"],
            "body.pipeline": ["main"],
            "path.id": [*jobs, running],
            "body.again_of": jobs,
            "path.result": [result["name"] for result in ended["results"]],
            "path.server": avis,
            "body.policy": ["fifo", "fair-share", "smallest-first"],
        },
    )


def interface_token(platform: Platform) -> str:
    """Return a token with the scopes of the open interface of `works`."""
    auth = {"username": "scientist", "password": platform.password("scientist")}
    held = [scope.replace("!server", "!server=scientist/works") for scope in INTERFACE_SCOPES]
    asked = {"auth": auth, "scopes": [scope.replace("!user", "!user=scientist") for scope in held]}
    with platform.browserless() as http:
        made = http.post("/hub/api/users/scientist/tokens", json=asked)
    made.raise_for_status()
    token: str = made.json()["token"]
    return token


def attempt_token(platform: Platform, job: str) -> str:
    """Return what a running job's own box holds."""
    spec = platform.root / "boxes" / f"gavip-{job}-1" / SPEC_FILE
    eventually(spec.exists, f"{job} runs")
    token: str = json.loads(spec.read_text())["env"]["GAVIP_TOKEN"]
    return token


def emptied(platform: Platform) -> None:
    """Delete what fuzzing left, so that there is room."""
    for user in platform.users:
        with platform.client(user) as person:
            for job in person.get("/jobs", params={"limit": 200}).json()["items"]:
                person.delete(f"/jobs/{job['id']}")
    for user in platform.users:
        platform.close_servers(user)


def drawn(tokens: dict[str, str], seed: int) -> dict[str, str]:
    """Return who asks."""
    if SECONDS >= FULL_SECONDS:
        return tokens
    asker = random.Random(seed).choice(sorted(tokens))
    return {asker: tokens[asker]}


def conforms(told: Told) -> None:
    assert not told.failures, told.failures
    assert not {answer for answer in told.answers if answer[1] >= 500}
    assert told.succeeded()
    assert SECONDS < FULL_SECONDS or told.succeeded() >= DONE_AT_LEAST[told.asker]


@pytest.mark.timeout(SECONDS + 300)
def test_nothing_that_anybody_sends_breaks_the_service_or_its_document(
    fuzzed: Fuzzed, tmp_path: Path, seed: int, tell: Callable[[str], None]
) -> None:
    began = time.monotonic()
    askers = drawn(fuzzed.tokens, seed)
    told = fuzz(fuzzed.platform, askers, known=fuzzed.known, seconds=SECONDS, seed=seed, folder=tmp_path)
    for one in told:
        conforms(one)
    requests = sum(one.requests for one in told)
    tell(
        f"fuzzing: {requests} requests by {', '.join(askers)}, no 5xx, seed: {seed}, "
        f"time: {time.monotonic() - began:.0f} s"
    )


@pytest.mark.timeout(300)
def test_the_service_is_well_after_all_of_it(fuzzed: Fuzzed) -> None:
    platform = fuzzed.platform
    emptied(platform)
    with platform.client("scientist") as scientist:
        health = scientist.get("/health").json()
        assert (health["database"], health["scheduler"], health["hub"]) == (True, True, True)
        # Of its own: somebody may have taken what was there back, as they may.
        assert run(scientist, publish(platform, "well", folder=AVIS / "works"))["phase"] == "COMPLETED"
    assert "Traceback" not in platform.log("service")
