"""The operator's page: what decides whose turn it is, what other policies would have made of the same jobs, and templates."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from typing_extensions import override

from avi_kernel.protocol.base import Wire
from avi_kernel.protocol.templates import TemplateAdd, TemplateChange
from gavip_hub.domain.identity import ADMIN
from gavip_hub.domain.reports import rows_of
from gavip_hub.domain.simulation import Report
from gavip_hub.exceptions import BadRequest
from gavip_hub.handlers.page_base import PortalPage

Sent = TypeVar("Sent", bound=Wire)


class PlatformPage(PortalPage):
    """Whose turn it is, for operators."""

    nav = "platform"
    scope = ADMIN

    @override
    async def get(self) -> None:
        await self.show()

    @override
    async def post(self) -> None:
        profile = self.require(ADMIN)
        chosen = self.sent().get("policy", "")
        await self.in_thread(self.services.policies.choose, chosen, by=profile.name)
        self.go("platform")

    async def show(self, reports: Mapping[str, Report] | None = None) -> None:
        """Send the page, with what a simulation found."""
        found = reports or {}
        self.render_page(
            "platform.html",
            pool=await self.in_thread(self.services.quotas.platform_pool),
            choice=await self.in_thread(self.services.policies.view),
            meanings=await self.in_thread(self.services.policies.meanings),
            templates=await self.in_thread(self.services.templates.all),
            archives_mb=await self.context.file_threads(self.services.images.used_mb),
            packages=await self.in_thread(self.services.packages.view),
            asked=reports is not None,
            policies=list(found),
            jobs=next((report.jobs for report in found.values()), 0),
            rows=rows_of(found),
        )


class TemplatesPage(PlatformPage):
    """The same page: a template is added or changed there."""

    @override
    async def get(self) -> None:
        self.go("platform")

    @override
    async def post(self) -> None:
        person, sent = self.require(ADMIN).name, self.sent()
        service = self.services.templates
        if sent.get("act") == "add":
            wanted = _checked(TemplateAdd, _filled(sent, "name", "project", "version", "title", "summary"))
            await self.context.publishing_threads(service.add, wanted, by=person)
        else:
            change = _checked(TemplateChange, _filled(sent, "version", "state"))
            name = sent.get("template", "")
            await self.context.publishing_threads(service.change, name, change, by=person)
        self.go("platform#templates-title")


def _filled(sent: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: sent[name].strip() for name in names if sent.get(name, "").strip()}


def _checked(model: type[Sent], given: dict[str, str]) -> Sent:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{field}: {first['msg']}", field=field) from None


class SimulationPage(PlatformPage):
    """The same page with a simulation: a POST, so that no other site can have one made."""

    @override
    async def get(self) -> None:
        self.go("platform")

    @override
    async def post(self) -> None:
        self.require(ADMIN)
        # It computes for seconds: neither on the database's threads nor on those of files.
        await self.show(await self.context.publishing_threads(self.services.simulations.compare))
