"""The part of the platform's API that an AVI itself uses, and the page of its developer, served on their own machine."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self

from pydantic import BaseModel, ValidationError
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from typing_extensions import override

from avi_kernel.protocol.api import ErrorBody, JobList, JobSubmit, JobView, Profile
from avi_kernel.protocol.folder import FolderProblem
from avi_kernel.protocol.parameters import ParameterProblem
from avi_kernel.protocol.runs import Outcome, Progress
from avi_kernel.standalone import page
from avi_kernel.standalone.door import Door
from avi_kernel.standalone.local_jobs import LocalJobs, NotNow
from avi_kernel.standalone.store import Unknown

API = "/services/gavip/api"
_ID = r"(?P<job>[0-9a-f]{1,32})"
_PIECE = 1024 * 1024
_STATUSES: dict[type[Exception], tuple[int, str]] = {
    Unknown: (404, "not_found"),
    NotNow: (409, "conflict"),
    ParameterProblem: (422, "bad_parameter"),
    FolderProblem: (422, "bad_manifest"),
    ValidationError: (400, "bad_request"),
}


class _Refused(Exception):
    """There is no good token in the request."""


class _Handler(RequestHandler):
    """Checks the token, and turns what goes wrong into the platform's error bodies."""

    @override
    def initialize(self, *, local: "LocalApi") -> None:
        """Take what the routes give."""
        self.local = local
        self.jobs = local.jobs

    @property
    def bearer(self) -> str:
        """The request's token, or nothing."""
        return self.request.headers.get("Authorization", "").removeprefix("Bearer ")

    @override
    def prepare(self) -> None:
        if not secrets.compare_digest(self.bearer.encode(), self.local.token.encode()):
            raise _Refused

    def answer(self, value: BaseModel | list[Any], status: int = 200) -> None:
        """Send a model, or a list of them, as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        text = value.model_dump_json() if isinstance(value, BaseModel) else _list_json(value)
        self.finish(text)

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        status, code = _STATUSES.get(type(error), (status_code, "internal"))
        if isinstance(error, _Refused):
            status, code = HTTPStatus.UNAUTHORIZED, "sign_in_required"
        message = str(error) or "This API wants the token that gavip dev made."
        field = error.field if isinstance(error, ParameterProblem) else None
        self.answer(ErrorBody(error=code, message=message, field=field), status)

    @override
    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if type(value) not in _STATUSES and not isinstance(value, _Refused):
            super().log_exception(typ, value, tb)


def _list_json(values: list[Any]) -> str:
    return "[" + ",".join(value.model_dump_json() for value in values) + "]"


class _Me(_Handler):
    @override
    def get(self) -> None:
        self.answer(self.local.profile)


class _Jobs(_Handler):
    @override
    def get(self) -> None:
        phase = self.get_query_argument("phase", None)
        limit = int(self.get_query_argument("limit", "50"))
        views = [view for view in self.jobs.store.list() if phase in {None, view.phase}]
        self.answer(JobList(items=[self.local.linked(view) for view in views[:limit]]))

    @override
    async def post(self) -> None:
        view = await self.jobs.submit(JobSubmit.model_validate_json(self.request.body))
        self.set_header("Location", f"{API}/jobs/{view.id}")
        self.answer(self.local.linked(view), HTTPStatus.CREATED)


class _Job(_Handler):
    @override
    def get(self, job: str) -> None:
        self.answer(self.local.linked(self.jobs.store.get(job)))

    @override
    async def delete(self, job: str) -> None:
        await self.jobs.delete(job)
        self.set_status(HTTPStatus.NO_CONTENT)


class _JobAct(_Handler):
    @override
    async def post(self, job: str, act: str) -> None:
        acts: dict[str, Callable[[str], Any]] = {"start": self.jobs.start, "cancel": self.jobs.cancel}
        view: JobView = await acts[act](job)
        self.answer(self.local.linked(view))


class _JobLog(_Handler):
    @override
    def get(self, job: str) -> None:
        self.answer(self.jobs.store.log(job, int(self.get_query_argument("offset", "0"))))


class _JobResults(_Handler):
    @override
    def get(self, job: str) -> None:
        self.answer(list(self.jobs.store.get(job).results))


class _JobResult(_Handler):
    @override
    async def get(self, job: str, name: str) -> None:
        path = self.jobs.store.result(job, name)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.set_header("Content-Length", str(path.stat().st_size))
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                self.write(piece)
                await self.flush()


class _Attempt(_Handler):
    """What the runner asks and tells, with its attempt's own token."""

    @override
    def prepare(self) -> None:
        found = self.jobs.job_of(self.bearer)
        if found is None:
            raise _Refused
        self.attempt_job = found

    @override
    def get(self) -> None:
        self.answer(self.jobs.document(self.attempt_job))


class _AttemptProgress(_Attempt):
    @override
    def post(self) -> None:
        self.jobs.progress(self.attempt_job, Progress.model_validate_json(self.request.body))
        self.set_status(HTTPStatus.NO_CONTENT)


class _AttemptOutcome(_Attempt):
    @override
    def post(self) -> None:
        """Check it only: the file that the runner left says the same, and is read when its process has ended."""
        Outcome.model_validate_json(self.request.body)
        self.set_status(HTTPStatus.NO_CONTENT)


class LocalApi:
    """The API of one folder, on a loopback port.

    Parameters
    ----------
    token
        What the interface says to be let in.
    profile
        Who its user is said to be.
    door
        Of the developer's page; without one there is no page.
    """

    def __init__(self, *, jobs: LocalJobs, token: str, profile: Profile, door: Door | None = None) -> None:
        self.jobs = jobs
        self.token = token
        self.profile = profile
        self.interface = ""
        """Address of the interface, once it is served; its page has a link to it."""
        self._door = door
        routes = [
            ("/me", _Me),
            ("/jobs", _Jobs),
            (f"/jobs/{_ID}", _Job),
            (f"/jobs/{_ID}/(?P<act>start|cancel)", _JobAct),
            (f"/jobs/{_ID}/log", _JobLog),
            (f"/jobs/{_ID}/results", _JobResults),
            (f"/jobs/{_ID}/results/(?P<name>[^/]+)", _JobResult),
            ("/attempts/self", _Attempt),
            ("/attempts/self/progress", _AttemptProgress),
            ("/attempts/self/outcome", _AttemptOutcome),
        ]
        own = [(API + path, handler, {"local": self}) for path, handler in routes]
        pages = page.routes(self, door) if door else []
        self._application = Application([*own, *pages], log_function=lambda _: None, door=door)
        self._server: HTTPServer | None = None

    def listen(self, *, ip: str = "127.0.0.1", port: int = 0) -> Self:
        """Serve from now on, in the event loop that runs; on any other address but loopback only in a container."""
        sockets = bind_sockets(port, ip)
        self._server = HTTPServer(self._application)
        self._server.add_sockets(sockets)
        port = sockets[0].getsockname()[1]
        self.jobs.api_url = f"http://127.0.0.1:{port}{API}"
        if self._door:
            self._door.stand_at(port)
        return self

    def linked(self, view: JobView) -> JobView:
        """Return a job with the address of its page: the interface's panels lead there, as on a platform."""
        return view.model_copy(update={"url": f"{self._door.origin}/jobs/{view.id}"}) if self._door else view

    async def close(self) -> None:
        """End the jobs that run, then stop serving."""
        await self.jobs.close()
        if self._server:
            self._server.stop()
            await self._server.close_all_connections()
