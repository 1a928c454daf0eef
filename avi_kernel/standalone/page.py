"""The page of `gavip dev`: an AVI's pipelines, their jobs and results, for the browser of its developer."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tornado.web import HTTPError, RequestHandler, StaticFileHandler
from typing_extensions import override

from avi_kernel.protocol.api import JobSubmit, JobView
from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.manifest import PipelineSpec, ReleaseSpec
from avi_kernel.protocol.parameters import ParameterProblem
from avi_kernel.standalone.door import Door
from avi_kernel.standalone.form import Form
from avi_kernel.standalone.local_jobs import NotNow
from avi_kernel.standalone.showing import STATIC, in_order, last_lines, render, viewed_as
from avi_kernel.standalone.store import FINAL, Unknown

if TYPE_CHECKING:
    from avi_kernel.standalone.server import LocalApi

JOB = r"(?P<job>[0-9a-f]{1,32})"
MOST_JOBS = 50
LOG_END_BYTES = 60_000
PIECE = 1024 * 1024
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""Of results and logs: an AVI wrote them, and they run no script and ask for nothing."""
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer` a browser would not tell where a form was sent from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_NO_ENTRY = "Use the address that gavip dev printed"
_STATUSES: dict[type[Exception], HTTPStatus] = {
    Unknown: HTTPStatus.NOT_FOUND,
    NotNow: HTTPStatus.CONFLICT,
    ParameterProblem: HTTPStatus.UNPROCESSABLE_ENTITY,
    FolderProblem: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def routes(local: "LocalApi", door: Door) -> list[Any]:
    """Return the page's addresses."""
    given = {"local": local, "door": door}
    return [
        ("/", _Home, given),
        ("/pipelines/(?P<name>[^/]+)", _Run, given),
        (f"/jobs/{JOB}", _Job, given),
        (f"/jobs/{JOB}/(?P<act>start|cancel|delete)", _Act, given),
        (f"/jobs/{JOB}/log", _Log, given),
        (f"/jobs/{JOB}/results/(?P<name>[^/]+)", _Result, given),
        ("/static/(.*)", _Static, {"path": str(STATIC)}),
        # What the API does not know, it answers itself.
        ("(?!/services/).*", _Lost, given),
    ]


class _Answer(RequestHandler):
    """What every answer tells a browser that it may do; only who asks by this machine's name gets one."""

    @override
    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    @override
    def prepare(self) -> None:
        if not self.settings["door"].knows_host(self.request):
            raise HTTPError(HTTPStatus.FORBIDDEN, reason=_NO_ENTRY)


class _Static(_Answer, StaticFileHandler):
    """Style sheet and script: the same for everybody."""


class _Page(_Answer):
    """What all pages share: who is let in, and what a browser may do with an answer."""

    @override
    def initialize(self, *, local: "LocalApi", door: Door) -> None:
        self.local = local
        self.jobs = local.jobs
        self.door = door
        self._known = False

    @override
    def prepare(self) -> None:
        super().prepare()
        if self.request.method == "GET" and self.request.path == "/" and self._let_in():
            return
        if not self.door.has_pass(self.get_cookie(self.door.cookie) or ""):
            raise HTTPError(HTTPStatus.FORBIDDEN, reason=_NO_ENTRY)
        if self.request.method not in {"GET", "HEAD"} and not self.door.is_own_page(self.request):
            raise HTTPError(
                HTTPStatus.FORBIDDEN,
                reason="This form was sent by another page; use the one that gavip dev printed",
            )
        self._known = True

    def _let_in(self) -> bool:
        """Give a pass to who comes with the key; the page goes on by itself, so that the browser sends the pass then."""
        key = self.get_query_argument("token", "")
        if not key or not self.door.opens(key):
            return False
        self.set_cookie(self.door.cookie, self.door.pass_, httponly=True, samesite="Strict", path="/")
        self.show("enter.html")
        return True

    def show(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> None:
        """Answer with a page."""
        self.set_status(status)
        self.finish(render(template, avi=self.jobs.avi, role=self.local.profile.roles[0], **values))

    def go(self, path: str) -> None:
        """Send the browser, after a write, to a page."""
        self.redirect(path, status=HTTPStatus.SEE_OTHER)

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        known = _STATUSES.get(type(error))
        words = str(error) if known else getattr(error, "reason", None) or HTTPStatus(status_code).phrase
        # Who was not let in is not told either what is here.
        template = "error.html" if self._known else "refused.html"
        self.show(template, status=known or status_code, words=words)

    @override
    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if type(value) not in _STATUSES and not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)


class _Lost(_Page):
    @override
    def prepare(self) -> None:
        super().prepare()
        raise Unknown("There is no such page.")


class _Forms(_Page):
    def show_forms(self, *, again: JobView | None = None, sent: Form | None = None) -> None:
        """Show the pipelines, one of them with another job's values or with what is wrong with it."""
        release, problem = self._release()
        forms = [self._form(each, again, sent) for each in release.pipelines] if release else []
        self.show(
            "home.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if sent else HTTPStatus.OK,
            release=release,
            problem=problem,
            forms=forms,
            opened=_opened(forms, again, sent),
            jobs=self.jobs.store.list()[:MOST_JOBS],
            interface=self.local.interface,
            live=any(job.phase not in FINAL for job in self.jobs.store.list()),
        )

    def _release(self) -> tuple[ReleaseSpec | None, str]:
        try:
            return read_release(self.jobs.folder), ""
        except FolderProblem as problem:
            return None, str(problem)

    @staticmethod
    def _form(pipeline: PipelineSpec, again: JobView | None, sent: Form | None) -> Form:
        if sent and sent.pipeline.name == pipeline.name:
            return sent
        same = again is not None and again.pipeline == pipeline.name
        return Form.fresh(pipeline, again.parameters if again and same else None)


def _opened(forms: list[Form], again: JobView | None, sent: Form | None) -> str:
    """Return which pipeline's form is unfolded."""
    if sent:
        return sent.pipeline.name
    shown = [form.pipeline.name for form in forms if not form.pipeline.hidden]
    return again.pipeline if again else next(iter(shown), "")


class _Home(_Forms):
    @override
    def get(self) -> None:
        again = self.get_query_argument("again", "")
        self.show_forms(again=self.jobs.store.get(again) if again else None)


class _Run(_Forms):
    """Take a pipeline's form."""

    @override
    def get(self, name: str) -> None:
        self.go("/")

    @override
    async def post(self, name: str) -> None:
        """Start a job, or show what is wrong with its values."""
        pipelines = {each.name: each for each in read_release(self.jobs.folder).pipelines}
        if name not in pipelines:
            raise Unknown("There is no such pipeline any more: load the page anew.")
        typed = {key: self.get_body_argument(key, strip=False) for key in self.request.body_arguments}
        form = Form.sent(pipelines[name], typed)
        if form.faults:
            self.show_forms(sent=form)
            return
        request = JobSubmit(avi=self.jobs.avi, pipeline=name, parameters=form.values())
        self.go(f"/jobs/{(await self.jobs.submit(request)).id}")


class _Job(_Page):
    @override
    def get(self, job: str) -> None:
        view = self.jobs.store.get(job)
        part = self.jobs.store.log(job, -LOG_END_BYTES)
        log, cut = last_lines(part.text)
        self.show(
            "job.html",
            job=view,
            results=in_order(view.results),
            log=log,
            cut=cut or part.next_offset > LOG_END_BYTES,
            units=self._units(view),
            live=view.phase not in FINAL,
        )

    def _units(self, view: JobView) -> dict[str, str]:
        try:
            found = [each for each in read_release(self.jobs.folder).pipelines if each.name == view.pipeline]
        except FolderProblem:
            return {}
        return {spec.name: spec.unit for each in found for spec in each.parameters}


class _Act(_Page):
    @override
    async def post(self, job: str, act: str) -> None:
        if act == "delete":
            await self.jobs.delete(job)
            self.go("/")
            return
        await (self.jobs.start(job) if act == "start" else self.jobs.cancel(job))
        self.go(f"/jobs/{job}")


class _File(_Page):
    """What an AVI wrote: a stranger's, whoever wrote the AVI."""

    def describe(self, media_type: str, *, name: str = "") -> None:
        """Say what it is; with a name it is an attachment, else it is shown and can do nothing."""
        self.set_header("Content-Type", media_type)
        self.set_header("Content-Security-Policy", FILE_POLICY)
        # A sandboxed document may not isolate its opener: browsers refuse such a pair.
        self.clear_header("Cross-Origin-Opener-Policy")
        shown = f"attachment; filename*=UTF-8''{quote(name, safe='')}" if name else "inline"
        self.set_header("Content-Disposition", shown)


class _Log(_File):
    @override
    async def get(self, job: str) -> None:
        self.describe("text/plain; charset=utf-8")
        offset = 0
        while (part := self.jobs.store.log(job, offset)).text:
            offset = part.next_offset
            self.write(part.text)
            await self.flush()


class _Result(_File):
    @override
    async def get(self, job: str, name: str) -> None:
        path = self.jobs.store.result(job, name)
        entry = next(each for each in self.jobs.store.get(job).results if each.name == name)
        kind = viewed_as(entry) if "view" in self.request.query_arguments else ""
        if kind:
            self.describe(kind)
        else:
            self.describe("application/octet-stream", name=name)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                self.write(piece)
                await self.flush()
