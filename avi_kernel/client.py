"""Submit jobs and follow them, from an AVI's interface or from a script.

In an interface nothing needs to be said: it knows its platform, its user and its AVI.

    from avi_kernel.client import submit
    job = submit("diagram", radius=2.0)
    job                                     # shows as a live panel

A script says where and who:

    client = Client("http://gavip.localhost:8000", token)
    job = client.submit("diagram", {"radius": 2.0}, avi="hr-diagram")
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from typing_extensions import override

from avi_kernel.protocol.api import JobList, JobSubmit, JobView, Phase
from avi_kernel.protocol.runs import JobError, ResultEntry
from avi_kernel.transport import (
    ApiError,
    BadRequest,
    Conflict,
    NotAllowed,
    NotFound,
    SignInRequired,
    Transport,
    Unavailable,
    file_name,
    host_of,
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

FINAL = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED})
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.25, 4.0, 1.3
_PATIENCE = 300.0


class JobFailed(Exception):
    """The job ended, and not well."""

    def __init__(self, view: JobView) -> None:
        reason = view.error.message if view.error else f"it was {view.phase.lower()}"
        hint = f" {view.error.hint}" if view.error and view.error.hint else ""
        super().__init__(f"job {view.id} ({view.pipeline}): {reason}{hint}")
        self.error = view.error


class Job:
    """One execution of a pipeline; everything it tells is of the last look at the platform."""

    def __init__(self, *, client: "Client", view: JobView) -> None:
        self._client = client
        self._view = view
        self._watchers: list[Callable[[Job], None]] = []
        self._lock = threading.Lock()
        self._follower: threading.Thread | None = None
        self._ended = threading.Event()
        self._trouble: ApiError | None = None
        if self.ended:
            self._ended.set()

    @property
    def id(self) -> str:
        """Its name on the platform."""
        return self._view.id

    @property
    def view(self) -> JobView:
        """Everything that the platform tells of it."""
        return self._view

    @property
    def phase(self) -> Phase:
        """PENDING, QUEUED, EXECUTING, COMPLETED, ERROR or ABORTED."""
        return self._view.phase

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self._view.phase in FINAL

    @property
    def progress(self) -> float:
        """How much is done, 0 to 1."""
        return 1.0 if self.phase == Phase.COMPLETED else self._view.fraction

    @property
    def reason(self) -> str:
        """Why it waits, in words."""
        return self._view.reason

    @property
    def error(self) -> JobError | None:
        """Why it failed."""
        return self._view.error

    @property
    def results(self) -> list[ResultEntry]:
        """The files it made."""
        return self._view.results

    @property
    def url(self) -> str:
        """Address of its page in the portal; nothing where there is no portal."""
        return urljoin(self._client.portal, self._view.url) if self._view.url else ""

    @property
    def trouble(self) -> ApiError | None:
        """Why the platform could not be asked at the last look."""
        return self._trouble

    def refresh(self) -> "Job":
        """Look at the platform now."""
        self._take(self._client.view(self.id))
        return self

    def cancel(self) -> "Job":
        """Have it ended."""
        self._take(self._client.cancel(self.id))
        return self

    def wait(self, timeout: float | None = None) -> "Job":
        """Wait until it has ended.

        Parameters
        ----------
        timeout
            Seconds; None waits as long as it takes.

        Raises
        ------
        JobFailed
            It ended in an error or was cancelled.
        TimeoutError
            It runs on.
        ApiError
            The platform was not there for minutes.
        """
        self.follow()
        if not self._ended.wait(timeout):
            raise TimeoutError(f"job {self.id} goes on after {timeout:g} seconds")
        if not self.ended and self._trouble:
            raise self._trouble
        if self.phase in {Phase.ERROR, Phase.ABORTED}:
            raise JobFailed(self._view)
        return self

    def result(self, name: str) -> bytes:
        """Return the content of a result; `download` is for large ones."""
        return self._client.result(self.id, name)

    def download(self, name: str, folder: str | os.PathLike[str] = ".") -> Path:
        """Save a result as a file and return its path."""
        return self._client.download(self.id, name, Path(folder))

    def watch(self, watcher: Callable[["Job"], None]) -> None:
        """Have a function called, in a thread of ours, whenever there is news, until the job has ended."""
        self._watchers.append(watcher)
        self.follow()

    def follow(self) -> None:
        """Begin to look at the platform from time to time, in a thread."""
        with self._lock:
            if self._follower or self.ended:
                return
            # With the context of whoever asked: a widget's messages then belong to the cell that shows it.
            self._follower = threading.Thread(
                target=copy_context().run, args=(self._follow,), name=f"job {self.id}", daemon=True
            )
            self._follower.start()

    def _follow(self) -> None:
        pause, silent_for = _FIRST_PAUSE, 0.0
        while not self.ended and silent_for < _PATIENCE and not self._ended.wait(pause):
            before = self._view
            try:
                self.refresh()
                silent_for = 0.0
            except Unavailable as error:
                self._note_trouble(error)
                silent_for += pause
            except ApiError as error:
                self._note_trouble(error)
                break
            pause = _FIRST_PAUSE if self._view != before else min(_LONGEST_PAUSE, pause * _GROWTH)
        self._ended.set()

    def _take(self, view: JobView) -> None:
        news = view != self._view or self._trouble is not None
        self._view, self._trouble = view, None
        if news:
            self._tell()
        if self.ended:
            self._ended.set()

    def _note_trouble(self, error: ApiError) -> None:
        self._trouble = error
        self._tell()

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            watcher(self)

    @override
    def __repr__(self) -> str:
        return f"<Job {self.id} {self._view.pipeline}: {self.phase} {self.progress:.0%}>"

    def _ipython_display_(self) -> None:
        from avi_kernel.widgets.job_panel import show  # noqa: PLC0415 - scripts need no widgets

        show(self)


class Client:
    """A platform as one person or one interface sees it.

    Parameters
    ----------
    url
        Of the platform, such as `http://gavip.localhost:8000`.
    token
        Made on the portal's token page, or by `gavip login`.
    avi, version
        What `submit` submits unless told otherwise.
    portal
        How browsers reach the platform, where that is not by `url`.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        avi: str | None = None,
        version: str | None = None,
        portal: str | None = None,
    ) -> None:
        self._transport = Transport(url=url, token=token)
        self.portal = host_of(portal or url)
        self._avi = avi
        self._version = version

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Client":
        """Return the client of the interface or notebook server that this runs in."""
        token = environ.get("GAVIP_TOKEN") or environ.get("JUPYTERHUB_API_TOKEN")
        url = environ.get("GAVIP_API_URL")
        if not (token and url):
            raise SignInRequired("This is no server of a GAVIP platform: use Client(url, token).")
        return cls(
            url,
            token,
            avi=environ.get("GAVIP_AVI"),
            version=environ.get("GAVIP_AVI_VERSION"),
            portal=environ.get("JUPYTERHUB_HOST") or environ.get("JUPYTERHUB_PUBLIC_HUB_URL"),
        )

    def submit(
        self,
        pipeline: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        avi: str | None = None,
        version: str | None = None,
        memory_mb: int | None = None,
        again_with_more_memory: bool = False,
        again_of: str | None = None,
    ) -> Job:
        """Start an execution of a pipeline.

        Parameters
        ----------
        memory_mb
            What it may use; default: what past runs needed, or what its author declared.
        again_with_more_memory
            Start it again with more if it runs out of memory, as far as the pools allow; three attempts at most.
        again_of
            The job that this one repeats with changes.

        Raises
        ------
        BadRequest
            A parameter is unknown or not acceptable.
        Conflict
            There are too many jobs already.
        """
        chosen = avi or self._avi
        if not chosen:
            raise BadRequest("Say of which AVI: submit(pipeline, parameters, avi=...).", field="avi")
        request = JobSubmit(
            avi=chosen,
            version=version or (self._version if chosen == self._avi else None),
            pipeline=pipeline,
            parameters=dict(parameters or {}),
            memory_mb=memory_mb,
            again_with_more_memory=again_with_more_memory,
            again_of=again_of,
        )
        answer = self._transport.request("POST", "/jobs", json=request.model_dump(mode="json"))
        return Job(client=self, view=_view(answer.json()))

    def job(self, id: str) -> Job:  # noqa: A002 - the platform's own word
        """Return a job by its id."""
        return Job(client=self, view=self.view(id))

    def jobs(self, *, avi: str | None = None, phase: Phase | str | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs, of this client's AVI unless told otherwise."""
        wanted = {"avi": avi or self._avi, "phase": phase, "limit": limit}
        params = {name: str(value) for name, value in wanted.items() if value is not None}
        found = JobList.model_validate(
            self._transport.request("GET", "/jobs", params=params).json(), extra="ignore"
        )
        return [Job(client=self, view=view) for view in found.items]

    def view(self, id: str) -> JobView:  # noqa: A002 - as above
        """Return what the platform tells of a job."""
        return _view(self._transport.request("GET", f"/jobs/{quote(id, safe='')}").json())

    def cancel(self, id: str) -> JobView:  # noqa: A002 - as above
        """Have a job ended."""
        return _view(self._transport.request("POST", f"/jobs/{quote(id, safe='')}/cancel").json())

    def result(self, id: str, name: str) -> bytes:  # noqa: A002 - as above
        """Return the content of a result."""
        return self._transport.request("GET", _result_path(id, name)).content

    def download(self, id: str, name: str, folder: Path) -> Path:  # noqa: A002 - as above
        """Save a result, whole or not at all.

        Raises
        ------
        ValueError
            Its name could lead out of the folder.
        """
        target = folder / file_name(name)
        partial = target.with_name(target.name + ".part")
        with self._transport.stream(_result_path(id, name)) as pieces, partial.open("wb") as file:
            _write(pieces, file.write)
        return partial.replace(target)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _write(pieces: Iterator[bytes], write: Callable[[bytes], Any]) -> None:
    for piece in pieces:
        write(piece)


def _view(body: Any) -> JobView:
    """Read a job; fields that a newer platform adds do no harm."""
    return JobView.model_validate(body, extra="ignore")


def _result_path(job: str, name: str) -> str:
    return f"/jobs/{quote(job, safe='')}/results/{quote(name, safe='')}"


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
