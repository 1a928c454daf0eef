"""Which of the waiting jobs comes next: see the policy, and choose another."""

from typing_extensions import override

from avi_kernel.protocol.api import PolicyChoice, PolicyView
from gavip_hub.domain.identity import ADMIN
from gavip_hub.exceptions import BadRequest
from gavip_hub.handlers.operations import ApiHandler, operation


class PolicyInForce(ApiHandler):
    """The scheduler's policy."""

    path = "/policy"

    @override
    @operation(id="policy.get", summary="Show what decides which job is next", returns=PolicyView)
    async def get(self) -> PolicyView:
        """Return the policy in force and those installed."""
        found: PolicyView = await self.in_thread(self.services.policies.view)
        return found

    @override
    @operation(
        id="policy.choose",
        summary="Choose what decides which job is next",
        scope=ADMIN,
        body=PolicyChoice,
        returns=PolicyView,
        errors=(BadRequest,),
    )
    async def post(self, body: PolicyChoice) -> PolicyView:
        """Put a policy in force from the scheduler's next pass on; nothing that runs is touched."""
        found: PolicyView = await self.in_thread(
            self.services.policies.choose, body.policy, by=self.require().name
        )
        return found


HANDLERS: tuple[type[ApiHandler], ...] = (PolicyInForce,)
