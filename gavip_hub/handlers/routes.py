"""All addresses of the service."""

from functools import cache
from typing import Any

from gavip_hub.handlers import (
    attempts,
    avis,
    data,
    data_moves,
    device,
    events,
    git,
    grants,
    health,
    images,
    jobs,
    monitoring,
    oauth,
    outside,
    packages,
    pages,
    policies,
    product_provenance,
    products,
    projects,
    provenance,
    pushes,
    servers,
    templates,
    tus,
)
from gavip_hub.handlers.openapi import ManifestSchema, OpenApi, document_bytes, routes
from gavip_hub.handlers.operations import ApiHandler

API_HANDLERS: tuple[type[ApiHandler], ...] = (
    OpenApi,
    ManifestSchema,
    *health.HANDLERS,
    *avis.HANDLERS,
    *projects.HANDLERS,
    *outside.HANDLERS,
    *templates.HANDLERS,
    *images.HANDLERS,
    *servers.HANDLERS,
    *grants.HANDLERS,
    *data.HANDLERS,
    *products.HANDLERS,
    *product_provenance.HANDLERS,
    *data_moves.HANDLERS,
    *device.HANDLERS,
    *jobs.HANDLERS,
    *provenance.HANDLERS,
    *events.HANDLERS,
    *policies.HANDLERS,
    *packages.HANDLERS,
    *attempts.HANDLERS,
    *pushes.HANDLERS,
)


def all_routes() -> list[Any]:
    """Return the routes of API, portal and sign-in."""
    return [
        *routes(API_HANDLERS),
        *oauth.ROUTES,
        *monitoring.ROUTES,
        *git.ROUTES,
        *tus.ROUTES,
        *pages.page_routes(),
    ]


@cache
def openapi_document(version: str) -> bytes:
    """Return the OpenAPI document of the API."""
    return document_bytes(API_HANDLERS, version=version)
