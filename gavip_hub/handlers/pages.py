"""The table of all the portal's pages."""

from typing import Any

from typing_extensions import override

from gavip_hub.exceptions import NotFound
from gavip_hub.handlers import again_pages, device, file_acts, file_pages, link_pages, product_pages
from gavip_hub.handlers.catalogue_pages import catalogue_routes
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.copy_pages import copy_routes
from gavip_hub.handlers.edit_pages import edit_routes
from gavip_hub.handlers.file_views import view_routes
from gavip_hub.handlers.form_pages import form_routes
from gavip_hub.handlers.grants import GrantsPage
from gavip_hub.handlers.job_pages import (
    JobAct,
    JobPage,
    JobsPage,
    LogPage,
    ResultContent,
    ResultPage,
)
from gavip_hub.handlers.notebook_page import NotebookPages
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.platform_page import PlatformPage, SimulationPage, TemplatesPage
from gavip_hub.handlers.product_views import product_view_routes
from gavip_hub.handlers.project_pages import project_routes
from gavip_hub.handlers.server_pages import CloseServer, KeepServer, OpenPage, ServersPage
from gavip_hub.handlers.static_files import static_routes

_SLUG = "[a-z][a-z0-9-]{0,39}"
_JOB = "[A-Za-z0-9_-]{1,64}"
_FILE = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


class NoSuchPage(PortalPage):
    """Any other address of the portal."""

    scope = None

    @override
    async def get(self) -> None:
        raise NotFound(f"There is nothing at {self.request.path[:200]}.")


def page_routes() -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return all addresses of the portal for tornado."""
    avi, job = f"{PREFIX}/avis/({_SLUG})", f"{PREFIX}/jobs/({_JOB})"
    result, notebooks = f"{job}/results/({_FILE})", NotebookPages()
    return [
        *catalogue_routes(avi),
        *form_routes(avi),
        (f"{avi}/open", OpenPage, {}),
        (f"{avi}/grants", GrantsPage, {}),
        (f"{PREFIX}/jobs", JobsPage, {}),
        (job, JobPage, {}),
        (f"{job}/(start|cancel)", JobAct, {}),
        (f"{job}/again", again_pages.JobAgainPage, {}),
        (f"{job}/log", LogPage, {}),
        (result, ResultPage, {}),
        (f"{result}/content", ResultContent, {"notebooks": notebooks}),
        *project_routes(notebooks),
        *copy_routes(f"{PREFIX}/projects/({_SLUG})"),
        *edit_routes(f"{PREFIX}/projects/({_SLUG})"),
        *device.ROUTES,
        *view_routes(notebooks),
        *product_pages.ROUTES,
        *again_pages.ROUTES,
        *product_view_routes(notebooks),
        *link_pages.link_routes(),
        *file_pages.ROUTES,
        *file_acts.ROUTES,
        (f"{PREFIX}/platform", PlatformPage, {}),
        (f"{PREFIX}/platform/simulation", SimulationPage, {}),
        (f"{PREFIX}/platform/templates", TemplatesPage, {}),
        (f"{PREFIX}/servers", ServersPage, {}),
        (f"{PREFIX}/servers/({_SLUG})/close", CloseServer, {}),
        (f"{PREFIX}/servers/({_SLUG})/keep", KeepServer, {}),
        *static_routes(),
        (f"{PREFIX}/(?!api/).*", NoSuchPage, {}),
    ]
