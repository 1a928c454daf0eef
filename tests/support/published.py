"""Publish test AVIs on a running platform and follow their jobs."""

import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.platform import Platform

AVIS = Path(__file__).parents[1] / "data" / "avis"
FINAL = {"COMPLETED", "ERROR", "ABORTED"}


def publish(platform: Platform, name: str, *, folder: Path | None = None, version: str = "1.0.0") -> str:
    """Publish one of the small test AVIs for everyone; publishing the same again does nothing."""
    request = {"folder": str(folder or AVIS / name), "avi": name, "version": version, "visibility": "public"}
    with platform.client("operator") as operator:
        answer = operator.post(f"/avis/{name}/releases", json=request)
    assert answer.status_code == 201, answer.text
    return name


def submit(client: httpx.Client, avi: str, pipeline: str = "main", **request: Any) -> str:
    """Submit a job and return its id."""
    answer = client.post("/jobs", json={"avi": avi, "pipeline": pipeline, **request})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def follow(
    client: httpx.Client, job: str, *, until: set[str] | None = None, seconds: float = 90
) -> dict[str, Any]:
    """Wait until a job is in one of these phases, by default a final one, and return it as shown then.

    A platform that is down for a moment is waited out.
    """
    deadline = time.monotonic() + seconds
    seen: dict[str, Any] = {}
    while time.monotonic() < deadline:
        try:
            answer = client.get(f"/jobs/{job}")
        except httpx.TransportError:
            continue
        if answer.status_code == httpx.codes.OK:
            seen = answer.json()
            if seen["phase"] in (until or FINAL):
                return seen
        time.sleep(0.1)  # the poll of a person who reloads; the wait is bounded
    raise AssertionError(f"{job} did not get there: {seen}")


def run(client: httpx.Client, avi: str, pipeline: str = "main", **request: Any) -> dict[str, Any]:
    """Submit a job and return it as shown when it ended."""
    return follow(client, submit(client, avi, pipeline, **request))
