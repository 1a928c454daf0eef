"""The same job once more: what is not as it was is told before, and who made it already is shown that."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from avi_kernel.protocol.api import JobSubmit, JobView
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.provenance import AgainView, InputChange, Offer
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.domain.repetition import Made, key_of
from gavip_hub.exceptions import Conflict, GavipError
from gavip_hub.services.inputs import InputFiles
from gavip_hub.services.jobs import JobService
from gavip_hub.services.provenance import owned
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import provenance
from gavip_hub.storage.database import Database
from gavip_hub.storage.provenance_schema import Input

LARGEST_HASHED = 64 * 1024 * 1024
"""Bytes of a file that is hashed while somebody waits for an answer; of a larger one a hash from before must be known."""


class AgainService:
    """Runs jobs again, and finds what was run already."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        releases: ReleaseService,
        inputs: InputFiles,
        config: Gavip,
        portal: str = "/services/gavip",
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._releases = releases
        self._inputs = inputs
        self._config = config
        self._portal = portal

    def look(self, *, owner: str, job: str, avi: str | None = None) -> AgainView:
        """Tell what of a job's inputs is not as it was, and whether it can be run again at all.

        Raises
        ------
        NotFound
            There is no such job of theirs.
        """
        with self._database.reading() as session:
            found = owned(session, owner=owner, job=job, avi=avi)
            rows = provenance.inputs(session, found.id)
        reason = ""
        try:
            self._releases.usable(viewer=owner, avi=found.avi, version=found.version)
        except GavipError as error:
            reason = error.message
        differing = [change for row in rows if (change := self._change(owner, row)) is not None]
        return AgainView(job=job, differing=differing, reason=reason)

    def run(
        self,
        *,
        owner: str,
        groups: Sequence[str],
        job: str,
        avi: str | None = None,
        even_if_inputs_differ: bool = False,
    ) -> JobView:
        """Submit a job with the release, the parameters and the inputs of another.

        Raises
        ------
        Conflict
            An input is not what it was, and who asks did not say that it may be another.
        """
        view = self._jobs.get(owner=owner, job=job, avi=avi)
        release = self._releases.usable(viewer=owner, avi=view.avi, version=view.version)
        differing = self.look(owner=owner, job=job, avi=avi).differing
        if differing and not even_if_inputs_differ:
            told = "; ".join(f"{one.path} {one.words}" for one in differing)
            raise Conflict(
                f"not run again: {told}. Put the earlier content back, or say that it may differ.",
                field="even_if_inputs_differ",
            )
        request = JobSubmit(
            avi=view.avi,
            version=view.version,
            pipeline=view.pipeline,
            parameters=view.parameters,
            memory_mb=view.memory_mb if view.memory_source == "user" else None,
            again_with_more_memory=view.again_with_more_memory,
            again_of=view.id,
        )
        return self._jobs.submit(owner=owner, groups=groups, request=request, release=release)

    def offer(
        self, *, owner: str, release: ReleaseView, pipeline: PipelineSpec, parameters: Mapping[str, JsonValue]
    ) -> Offer | None:
        """Return a completed job of somebody that did just this; None where there is none, or nobody can tell.

        Parameters
        ----------
        parameters
            All of them, checked.
        """
        files = [spec.name for spec in pipeline.parameters if spec.type == "file" and spec.name in parameters]
        hashes = {name: self._hash(owner, str(parameters[name])) for name in files}
        if None in hashes.values():
            return None
        key = key_of(
            Made(
                avi=release.avi,
                version=release.version,
                commit=release.commit,
                pipeline=pipeline.name,
                parameters=parameters,
                inputs={name: found or "" for name, found in hashes.items()},
                archive_url=self._config.archive_url,
                archive_release=self._config.archive_release,
            )
        )
        with self._database.reading() as session:
            found = provenance.with_key(session, owner=owner, key=key)
        if found is None:
            return None
        return Offer(job=found.id, ended_at=found.ended_at, url=f"{self._portal}/jobs/{found.id}")

    def _hash(self, owner: str, path: str) -> str | None:
        """Return what a file's content is known by; None: it is gone, or too large to be read for a form."""
        try:
            with self._inputs.opened(owner, path) as (file, _):
                size = file.seek(0, 2)
        except GavipError:
            return None
        return self._now(owner, path, small=size <= LARGEST_HASHED)

    def _now(self, owner: str, path: str, *, small: bool) -> str | None:
        stamp = self._inputs.stamp(owner, path)
        with self._database.reading() as session:
            known = provenance.hashed(session, owner=owner, path=path, stamp=stamp) if stamp else None
        return known or (self._inputs.content(owner, path).sha256 if small else None)

    def _change(self, owner: str, row: Input) -> InputChange | None:
        """Return how an input is not what it was; None where it is."""
        words = ""
        if not self._inputs.stamp(owner, row.path):
            words = "is gone"
        elif row.state == "changed":
            words = "changed while the job ran, so that nobody knows what it read"
        elif row.sha256 is None:
            words = "was never hashed, so that nobody knows whether it is the same"
        elif (now := self._hash(owner, row.path)) != row.sha256:
            words = (
                "has another content now"
                if now
                else "was written since, and is too large to be read for this"
            )
        return InputChange(parameter=row.parameter, path=row.path, words=words) if words else None
