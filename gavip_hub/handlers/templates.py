"""Templates of AVIs: everybody lists them, operators add, version and retire them."""

from typing_extensions import override

from avi_kernel.protocol.templates import TemplateAdd, TemplateChange, TemplateQuery, TemplateView
from gavip_hub.domain.identity import ADMIN
from gavip_hub.exceptions import BadRequest, BadTemplate, Conflict, Forbidden, NotFound
from gavip_hub.handlers.avis import READ
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import operation
from gavip_hub.handlers.projects import ProjectHandler


class Templates(ProjectHandler):
    """All templates."""

    path = "/templates"

    @override
    @operation(
        id="templates.list",
        summary="List the templates that AVIs are made of",
        scope=READ,
        query=TemplateQuery,
        returns=list[TemplateView],
        errors=(Forbidden,),
    )
    async def get(self, query: TemplateQuery) -> list[TemplateView]:
        """Return those that are offered, or all."""
        found: list[TemplateView] = await self.in_thread(
            self.services.templates.every, viewer=self.person().name, retired=query.retired
        )
        return found

    @override
    @operation(
        id="templates.add",
        summary="Offer a repository of this platform as a template",
        scope=ADMIN,
        body=TemplateAdd,
        returns=TemplateView,
        status=201,
        errors=(BadRequest, Forbidden, NotFound, Conflict, BadTemplate),
    )
    async def post(self, body: TemplateAdd) -> TemplateView:
        """Try it, and offer it."""
        made: TemplateView = await self.context.publishing_threads(
            self.services.templates.add, body, by=self.person().name
        )
        self.set_header("Location", f"{PREFIX}/api/templates/{made.name}")
        return made


class OneTemplate(ProjectHandler):
    """One template."""

    path = "/templates/{template}"

    @override
    @operation(
        id="templates.get",
        summary="Show a template, offered or not",
        scope=READ,
        returns=TemplateView,
        errors=(Forbidden, NotFound),
    )
    async def get(self, template: str) -> TemplateView:
        """Return it."""
        found: TemplateView = await self.in_thread(
            self.services.templates.get, viewer=self.person().name, name=template
        )
        return found

    @override
    @operation(
        id="templates.change",
        summary="Give a template another version or other words, retire it, or offer it again",
        scope=ADMIN,
        body=TemplateChange,
        returns=TemplateView,
        errors=(BadRequest, Forbidden, NotFound, BadTemplate),
    )
    async def post(self, template: str, body: TemplateChange) -> TemplateView:
        """Change it from now on."""
        changed: TemplateView = await self.context.publishing_threads(
            self.services.templates.change, template, body, by=self.person().name
        )
        return changed


HANDLERS: tuple[type[ProjectHandler], ...] = (Templates, OneTemplate)
