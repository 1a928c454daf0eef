"""Rows of jobs of a grown platform: how they ended, what they made, and what they come of."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from benchmarks.support.portal_names import (
    DIGEST,
    PICTURE,
    TABLE,
    VERSIONS,
    add,
    at,
    avi_name,
    job_name,
    owner_of,
    state_of,
)
from gavip_hub.domain.job import AttemptState, JobState, Target
from gavip_hub.storage.provenance_schema import Facts, Input
from gavip_hub.storage.schema import Attempt, Container, Event, Job, Result
from tests.support.portal import ERROR


def add_jobs(session: Session, numbers: range, *, avis: int) -> None:
    """Add jobs, with all that belongs to them."""
    add(session, Job, [job(number, avis=avis) for number in numbers])
    ran = [number for number in numbers if state_of(number) is not JobState.PENDING]
    add(session, Container, [container(number) for number in ran])
    add(session, Attempt, [attempt(number) for number in ran])
    done = [number for number in ran if state_of(number) is JobState.COMPLETED]
    add(session, Result, [result for number in done for result in results(number)])
    add(session, Facts, [facts(number) for number in ran])
    add(session, Input, [an_input(number) for number in ran if number % 4 == 0])
    add(session, Event, [event for number in numbers for event in events(number)])


def avi_of(number: int, *, avis: int) -> str:
    """Return the AVI of a job: one of a hundred public ones that most use, or any other public one."""
    most = min(1000 if number % 3 == 0 else avis // 10, avis)
    chosen = number * 7919 % most
    return avi_name(chosen if chosen % 10 else chosen + 1)


def job(number: int, *, avis: int) -> dict[str, Any]:
    state = state_of(number)
    started = None if state is JobState.PENDING else at(number)
    ended = at(number) + timedelta(seconds=60) if started else None
    return {
        "id": job_name(number),
        "owner": owner_of(number),
        "groups": [],
        "avi": avi_of(number, avis=avis),
        "version": VERSIONS[number % 3],
        "commit": "1" * 40,
        "pipeline": "diagram",
        "title": "Diagram of a field",
        "parameters": {"target": "Hyades", "radius": 5.0, "bins": 120},
        "state": state,
        "target": Target.RUN,
        "reason": "",
        "fraction": 1.0,
        "message": "",
        "step": "",
        "memory_mb": 400,
        "memory_source": "author",
        "again_with_more_memory": False,
        "cpu": 1.0,
        "time_limit": 900,
        "attempt": 1 if started else 0,
        "again_of": job_name(number - 20) if number >= 20 and number % 10 == 0 else None,
        "request": "",
        "error": ERROR.model_dump(mode="json") if state is JobState.ERROR else None,
        "created_at": at(number),
        "queued_at": started,
        "started_at": started,
        "ended_at": ended,
    }


def container(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number:08d}",
        "owner": owner_of(number),
        "kind": "job",
        "avi": None,
        "version": None,
        "ref": f"gavip-{job_name(number)}-1",
        "state": "CLOSED",
        "cpu": 1.0,
        "memory_mb": 400,
        "backend_state": {"name": "x"},
        "reason": "",
        "created_at": at(number),
        "ready_at": at(number),
        "closed_at": at(number) + timedelta(seconds=60),
    }


def attempt(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "number": 1,
        "container": f"c{number:08d}",
        "token_hash": f"{number:064d}",
        "state": AttemptState(state_of(number).value),
        "memory_mb": 400,
        "failure": "",
        "exit_code": 0,
        "memory_peak_mb": 150.0 + number % 100,
        "cpu_seconds": 41.0,
        "course": [[float(second), 100 + second, 1.0] for second in range(0, 60, 3)],
        "step": "",
        "started_at": at(number),
        "running_at": at(number),
        "ended_at": at(number) + timedelta(seconds=60),
        "cleared_at": at(number) + timedelta(seconds=61),
    }


def results(number: int) -> Iterator[dict[str, Any]]:
    for place, (name, kind, content) in enumerate(
        (("sample.csv", "text/csv", TABLE), ("hr.png", "image/png", PICTURE), ("diagram.ipynb", "", b"{}"))
    ):
        yield {
            "job": job_name(number),
            "name": name,
            "place": place,
            "attempt": 1,
            "title": name,
            "media_type": kind or "application/x-ipynb+json",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def facts(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "image": "avi-python",
        "image_digest": "sha256:" + "2" * 64,
        "platform": "",
        "environment": None,
        "archive_url": "http://archive",
        "archive_name": "Gaia",
        "archive_release": "DR3",
        "queries": [
            {
                "url": "http://archive",
                "adql": "SELECT source_id, ra, dec FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < 9",
                "release": "DR3",
                "rows": 482,
                "at": at(number).isoformat(),
            }
        ],
        "key": f"{number // 40:064d}",
        "noted_at": at(number),
        "closed_at": at(number),
    }


def an_input(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "parameter": "stars",
        "path": "data/stars.csv",
        "size": len(TABLE),
        "stamp": f"{number}",
        "sha256": DIGEST,
        "product": None,
        "state": "same",
    }


def events(number: int) -> Iterator[dict[str, Any]]:
    for place, state in enumerate(("QUEUED", state_of(number).value)):
        yield {
            "id": 2 * number + place + 1,
            "owner": owner_of(number),
            "at": at(number),
            "kind": "job.state",
            "subject": job_name(number),
            "data": {"state": state, "avi": "stars"},
        }
