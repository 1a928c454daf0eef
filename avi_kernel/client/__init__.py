"""Submit jobs and follow them, from an AVI's interface or from a script.

In an interface nothing needs to be said: it knows its platform, its user and its AVI.

    from avi_kernel.client import submit
    job = submit("diagram", radius=2.0)
    job                                     # shows as a live panel

A script says where and who:

    client = Client("http://gavip.localhost:8000", token)
    job = client.submit("diagram", {"radius": 2.0}, avi="hr-diagram")

Whatever else the platform offers is there under the names of its own document:

    for avi in client.api.avis.list(): print(avi["name"])
"""

from functools import cache
from typing import Any

from avi_kernel.client.jobs import Job, JobFailed
from avi_kernel.client.platform import Client
from avi_kernel.protocol.api import Phase
from avi_kernel.transport import (
    ApiError,
    BadRequest,
    Conflict,
    NotAllowed,
    NotFound,
    SignInRequired,
    Unavailable,
)

__all__ = [
    "ApiError",
    "BadRequest",
    "Client",
    "Conflict",
    "Job",
    "JobFailed",
    "NotAllowed",
    "NotFound",
    "SignInRequired",
    "Unavailable",
    "jobs",
    "submit",
]


@cache
def _own_client() -> Client:
    return Client.from_environment()


def submit(pipeline: str, /, **parameters: Any) -> Job:
    """Start an execution of one of this AVI's pipelines; see `Client.submit` for its errors.

    Examples
    --------
    >>> job = submit("diagram", radius=2.0)  # doctest: +SKIP
    """
    return _own_client().submit(pipeline, parameters)


def jobs(*, phase: Phase | str | None = None, limit: int = 50) -> list[Job]:
    """Return the newest jobs of this AVI and its user."""
    return _own_client().jobs(phase=phase, limit=limit)
