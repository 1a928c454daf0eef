"""A platform as one person or one interface sees it."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avi_kernel.client.jobs import Job
from avi_kernel.client.operations import Api
from avi_kernel.copying import Copied, Copier
from avi_kernel.downloads import Download
from avi_kernel.protocol.api import JobList, JobSubmit, JobView, Phase
from avi_kernel.transport import BadRequest, SignInRequired, Transport, file_name, host_of


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

    @cached_property
    def api(self) -> Api:
        """All operations of the platform, from its own document: `client.api.avis.list()`.

        Raises
        ------
        ApiError
            The platform does not answer.
        """
        return Api(self._transport)

    def upload(self, source: str | os.PathLike[str], target: str) -> Copied:
        """Copy a file to the user's space, on where it broke off before; `target` is as `data/stars.csv`."""
        return Copier(self._transport).upload(Path(source), target)

    def fetch(self, source: str, target: str | os.PathLike[str]) -> Copied:
        """Copy a file from the user's space, on where it broke off before."""
        return Copier(self._transport).download(source, Path(target))

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

    @classmethod
    def from_command(cls, url: str | None = None) -> "Client":
        """Return the client of a platform that `gavip login` signed in to: the last, or the one at this address."""
        from avi_kernel.cli import settings  # noqa: PLC0415 - an interface has no command

        here = settings.current(url)
        if not here.token:
            raise SignInRequired(f"Nobody is signed in to {here.url} here: run gavip login {here.url}")
        return cls(here.url, here.token)

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
        """Save a result, whole or not at all; what broke off before goes on where it was.

        Raises
        ------
        ValueError
            Its name could lead out of the folder.
        """
        target = folder / file_name(name)
        return Download(self._transport, _result_path(id, name), target).save()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _view(body: Any) -> JobView:
    """Read a job; fields that a newer platform adds do no harm."""
    return JobView.model_validate(body, extra="ignore")


def _result_path(job: str, name: str) -> str:
    return f"/jobs/{quote(job, safe='')}/results/{quote(name, safe='')}"
