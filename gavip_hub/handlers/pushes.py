"""What the hooks of git ask while somebody pushes."""

from typing_extensions import override

from avi_kernel.protocol.pushes import Push, PushAnswer
from gavip_hub.handlers.attempts import AttemptHandler
from gavip_hub.handlers.operations import ApiHandler, operation


class PushCheck(AttemptHandler):
    """Before a push is taken."""

    path = "/pushes/self/check"

    @override
    @operation(
        id="pushes.check",
        summary="Ask whether a push is taken",
        job_token=True,
        body=Push,
        returns=PushAnswer,
    )
    async def post(self, body: Push) -> PushAnswer:
        """Say what of it is not taken, and why."""
        answer: PushAnswer = await self.context.publishing_threads(
            self.services.pushes.check, self.job_token, body
        )
        return answer


class PushTake(AttemptHandler):
    """After it was taken."""

    path = "/pushes/self/take"

    @override
    @operation(
        id="pushes.take",
        summary="Make releases of the versions of a push",
        job_token=True,
        body=Push,
        returns=PushAnswer,
    )
    async def post(self, body: Push) -> PushAnswer:
        """Say what became a release."""
        answer: PushAnswer = await self.context.publishing_threads(
            self.services.pushes.take, self.job_token, body
        )
        return answer


HANDLERS: tuple[type[ApiHandler], ...] = (PushCheck, PushTake)
