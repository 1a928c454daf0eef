"""One execution of a pipeline, as who submitted it follows it."""

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from typing_extensions import override

from avi_kernel.protocol.api import JobView, Phase
from avi_kernel.protocol.runs import JobError, ResultEntry
from avi_kernel.transport import ApiError, Unavailable

if TYPE_CHECKING:
    from avi_kernel.client.platform import Client

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
