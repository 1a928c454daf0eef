"""Jobs of the AVI `writes`, which leave a line for each start: where such a job is, how it ended, what is left of it."""

import itertools
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx

from tests.support.platform import Platform, eventually
from tests.support.published import FINAL

RESULT = "parts.txt"
MARKS = itertools.count(1)
MEMORY_MB = 256
"""Asked for, since past runs would propose far less: what a test says of room is to stay true."""


def submit(platform: Platform, **parameters: object) -> str:
    wanted = {"avi": "writes", "pipeline": "main", "parameters": parameters, "memory_mb": MEMORY_MB}
    with platform.client("scientist") as scientist:
        answer = scientist.post("/jobs", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def seen(platform: Platform, job: str) -> dict[str, object]:
    with platform.client("scientist") as scientist:
        answer = scientist.get(f"/jobs/{job}")
    found: dict[str, object] = answer.json() if answer.status_code == 200 else {}
    return found


def asked(platform: Platform, path: str) -> httpx.Response:
    """Return what the platform answers, as soon as it does: a Hub that was killed may come back only now."""
    answers = []

    def answered() -> bool:
        with platform.client("scientist") as scientist:
            answers.append(scientist.get(path))
        return answers[-1].status_code == HTTPStatus.OK

    eventually(answered, f"an answer to {path}")
    return answers[-1]


def state(platform: Platform, job: str) -> object:
    return seen(platform, job).get("state")


MARK_OF: dict[str, str] = {}


def starts_of(platform: Platform, job: str) -> list[str]:
    """Return a line for each time that the job's own code was started."""
    file = platform.root / "users" / "scientist" / "avis" / "writes" / f"starts-{MARK_OF[job]}"
    return file.read_text().splitlines() if file.exists() else []


def started(platform: Platform, seconds: float = 1.0) -> str:
    mark = f"m{next(MARKS)}"
    job = submit(platform, mark=mark, seconds=seconds)
    MARK_OF[job] = mark
    return job


def reach(point: str, platform: Platform, job: str) -> None:
    """Wait until a job is at a point; it may be there for some milliseconds only."""
    deadline = time.monotonic() + 60
    while not POINTS[point](platform, job):
        assert time.monotonic() < deadline, f"{job} was never {point}"
        time.sleep(0.002)


def attempt_folder(platform: Platform, job: str) -> Path:
    return platform.root / "attempts" / f"gavip-{job}-1"


def is_queued(platform: Platform, job: str) -> bool:
    return state(platform, job) == "QUEUED"


def is_launching(platform: Platform, job: str) -> bool:
    return any((platform.root / kind / f"gavip-{job}-1").exists() for kind in ("boxes", "containers"))


def runs(platform: Platform, job: str) -> bool:
    return bool(list(starts_of(platform, job)))


def writes_results(platform: Platform, job: str) -> bool:
    return (attempt_folder(platform, job) / "results" / RESULT).exists()


def has_just_finished(platform: Platform, job: str) -> bool:
    return (attempt_folder(platform, job) / "outcome.json").exists()


POINTS: dict[str, Callable[[Platform, str], bool]] = {
    "queued": is_queued,
    "launching": is_launching,
    "running": runs,
    "writing": writes_results,
    "finished": has_just_finished,
}


def has_ended_right(platform: Platform, job: str) -> None:
    eventually(lambda: state(platform, job) in FINAL, f"{job} ended", seconds=120)
    view = asked(platform, f"/jobs/{job}").json()
    attempts = view["attempts"]
    assert isinstance(attempts, list)
    assert view["phase"] == "COMPLETED", (view["error"], platform.log("service")[-3000:])
    failed = [attempt for attempt in attempts if attempt["state"] == "FAILED"]
    assert len(attempts) == 1 + len(failed), attempts  # again only after a recorded platform failure
    assert 1 <= len(starts_of(platform, job)) <= len(attempts)
    content = asked(platform, f"/jobs/{job}/results/{RESULT}").text
    assert content == "".join(f"part {number} of {MARK_OF[job]}\n" for number in range(20))


def has_left_nothing(platform: Platform, job: str) -> None:
    name = f"gavip-{job}-"
    for kind in ("boxes", "containers"):
        eventually(
            lambda kind=kind: not list((platform.root / kind).glob(f"{name}*")),  # type: ignore[misc]
            f"nothing in {kind} is left of {job}",
        )
    assert not list((platform.root / "attempts").glob(f"{name}*"))
    assert not [line for line in processes() if name in line]
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    pool = asked(platform, "/pools").json()[0]
    assert (pool["memory_used_mb"], pool["jobs_used"]) == (0, 0)


def processes() -> list[str]:
    """Return the command lines of all processes."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return lines
