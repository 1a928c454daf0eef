"""The same job once more: what is not as it was is told before."""

from collections.abc import Sequence

from avi_kernel.protocol.api import JobSubmit, JobView
from avi_kernel.protocol.provenance import AgainView, InputChange
from gavip_hub.exceptions import Conflict, GavipError
from gavip_hub.services.jobs import JobService
from gavip_hub.services.known_inputs import KnownInputs
from gavip_hub.services.provenance import owned
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import provenance
from gavip_hub.storage.database import Database
from gavip_hub.storage.provenance_schema import Input


class AgainService:
    """Runs jobs of their owners again."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        releases: ReleaseService,
        known: KnownInputs,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._releases = releases
        self._known = known

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

    def _change(self, owner: str, row: Input) -> InputChange | None:
        """Return how an input is not what it was; None where it is."""
        words = ""
        if not self._known.is_there(owner, row.path):
            words = "is gone"
        elif row.state == "changed":
            words = "changed while the job ran, so that nobody knows what it read"
        elif row.sha256 is None:
            words = "was never hashed, so that nobody knows whether it is the same"
        elif (now := self._known.hash(owner, row.path)) != row.sha256:
            words = (
                "has another content now"
                if now
                else "was written since, and is too large to be read for this"
            )
        return InputChange(parameter=row.parameter, path=row.path, words=words) if words else None
