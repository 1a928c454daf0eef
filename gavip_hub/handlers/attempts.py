"""What a running job may do with its own token, and with no other."""

from typing_extensions import override

from avi_kernel.protocol.runs import JobDocument, Outcome, Progress
from gavip_hub.exceptions import SignInRequired
from gavip_hub.handlers.operations import ApiHandler, operation
from gavip_hub.handlers.sign_in import NOBODY, Identity

_BEARER = "bearer "


class AttemptHandler(ApiHandler):
    """Knows no people: a person's token opens nothing here, a job's nothing elsewhere."""

    @override
    async def identify(self) -> Identity:
        return NOBODY

    @property
    def job_token(self) -> str:
        """The token that came with the request.

        Raises
        ------
        SignInRequired
            There is none.
        """
        header = self.request.headers.get("Authorization", "")
        if not header.lower().startswith(_BEARER):
            raise SignInRequired("This is for running jobs: send the attempt's token.")
        return header[len(_BEARER) :].strip()


class Self(AttemptHandler):
    """The attempt's own document."""

    path = "/attempts/self"

    @override
    @operation(id="attempts.document", summary="What this job is to do", job_token=True, returns=JobDocument)
    async def get(self) -> JobDocument:
        """Return all that the runner needs."""
        document: JobDocument = await self.in_thread(self.services.attempts.document_for, self.job_token)
        return document


class SelfProgress(AttemptHandler):
    """How far the attempt came."""

    path = "/attempts/self/progress"

    @override
    @operation(
        id="attempts.progress",
        summary="Report progress; also the heartbeat",
        job_token=True,
        body=Progress,
        status=204,
    )
    async def post(self, body: Progress) -> None:
        """Note it."""
        await self.in_thread(self.services.attempts.record_progress, self.job_token, body)


class SelfOutcome(AttemptHandler):
    """How the attempt ended."""

    path = "/attempts/self/outcome"

    @override
    @operation(id="attempts.outcome", summary="Report the end", job_token=True, body=Outcome, status=204)
    async def post(self, body: Outcome) -> None:
        """Note it; the job has ended once its container is gone."""
        await self.in_thread(self.services.attempts.record_outcome, self.job_token, body)


HANDLERS: tuple[type[ApiHandler], ...] = (Self, SelfProgress, SelfOutcome)
