"""The service as it runs, for tests of its web interface: real tornado, real SQLite, real folders.

Only the outermost edge is fake: the Hub (a small web server that knows tokens and servers) and the container engine.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from jupyterhub.httpclient import JupyterHubHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from avi_kernel.protocol.releases import ReleaseSubmit, ReleaseView
from gavip_hub.backends.images import ImageSource
from gavip_hub.backends.sandbox import MEASURES, SandboxReport
from gavip_hub.config import Gavip, load_config
from gavip_hub.core import server_ledger
from gavip_hub.exceptions import GavipError
from gavip_hub.factory import Service, make_service
from gavip_hub.hub.access import INTERFACE_SCOPES
from gavip_hub.storage import migrate
from gavip_hub.testing import FakeBackend
from tests.support.avis import star_counter

SERVICE_TOKEN = "the-service's-own"
API = "/services/gavip/api"
PATIENCE = 60.0
"""Seconds after which what should happen has not, on a machine that is busy with other things too."""
ALL = (
    *("read:avis", "open:servers", "read:jobs", "submit:jobs", "cancel:jobs", "delete:jobs"),
    *("read:files", "write:files", "read:products", "write:products"),
)
DEVELOPER = (*ALL, "publish:releases")
OPERATOR = (*DEVELOPER, "admin:platform")


def person(
    name: str, *, scopes: tuple[str, ...] = ALL, role: str = "scientist", **more: Any
) -> dict[str, Any]:
    """Return what the Hub tells of a person's token."""
    held = [f"custom:gavip:{scope}!user={name}" for scope in scopes]
    return {"kind": "user", "name": name, "roles": [role], "groups": [], "scopes": held, **more}


def interface_of(name: str, avi: str) -> dict[str, Any]:
    """Return what the Hub tells of the token of an open interface."""
    scopes = [scope for scope in INTERFACE_SCOPES if scope.startswith("custom:")]
    held = [scope.replace("!server", f"!server={name}/{avi}") for scope in scopes]
    return {"kind": "user", "name": name, "roles": ["scientist"], "groups": [], "scopes": held}


@dataclass
class FakeHub:
    """A Hub that knows tokens and starts no processes; its start asks the ledger as the real one's hook does."""

    config: Gavip
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    servers: dict[tuple[str, str], str] = field(default_factory=dict)
    """Owner and name -> ledger id."""
    away: bool = False
    """Answers nobody but with an error."""
    frozen: asyncio.Event | None = None
    """Set it to a fresh event, and nobody is told its version until a test sets that."""
    slow: asyncio.Event | None = None
    """Set it to a fresh event, and starts wait until a test sets that."""
    asked: int = 0
    """Questions who a token belongs to."""
    hasty: bool = False
    """Answers a start before the server does, as the real one does after ten seconds."""
    stuck: bool = False
    """Refuses to stop servers."""
    forgetful: bool = False
    """Does not call the hook that closes the ledger's row."""
    codes: dict[str, str] = field(default_factory=dict)
    """OAuth codes -> tokens."""
    redeemed: list[str] = field(default_factory=list)
    """Codes that were asked about."""
    made: list[dict[str, Any]] = field(default_factory=list)
    """Tokens that were asked for in a user's name, as they were asked for."""
    revoked: list[str] = field(default_factory=list)
    """Tokens that were given back."""

    def __post_init__(self) -> None:
        self.ledger = server_ledger(self.config)

    def application(self) -> Application:
        routes = [
            (r"/hub/api/", _Version),
            (r"/hub/api/user", _WhoAmI),
            (r"/hub/api/oauth2/token", _Token),
            (r"/hub/api/users", _Users),
            (r"/hub/api/groups/([^/]+)", _Group),
            (r"/hub/api/users/([^/]+)", _User),
            (r"/hub/api/users/([^/]+)/tokens", _Tokens),
            (r"/hub/api/users/([^/]+)/tokens/([^/]+)", _OneToken),
            (r"/hub/api/users/([^/]+)/servers/([^/]+)", _Server),
        ]
        return Application(routes, hub=self)

    def model_of(self, request: Any) -> dict[str, Any] | None:
        token = request.headers.get("Authorization", "").rpartition(" ")[2]
        return self.tokens.get(token)


class _Handler(RequestHandler):
    @property
    def hub(self) -> FakeHub:
        return self.settings["hub"]


class _Version(_Handler):
    async def get(self) -> None:
        if self.hub.frozen is not None:
            await self.hub.frozen.wait()
        if self.hub.away:
            self.set_status(502)
            return
        self.write({"version": "6.1.1"})


class _WhoAmI(_Handler):
    def get(self) -> None:
        self.hub.asked += 1
        model = self.hub.model_of(self.request)
        if model is None:
            self.set_status(403)
        self.finish(model or {"message": "Forbidden"})


class _Token(_Handler):
    def post(self) -> None:
        self.hub.redeemed.append(self.get_body_argument("code"))
        self.write({"access_token": self.hub.codes[self.hub.redeemed[-1]]})


def _listed(owner: str, name: str) -> dict[str, Any]:
    server = {"ready": True, "pending": None, "started": None, "last_activity": None}
    return {"name": owner, "servers": {name: server}}


class _Users(_Handler):
    def get(self) -> None:
        items = [_listed(owner, name) for owner, name in self.hub.servers]
        self.write({"items": items, "_pagination": {"next": None}})


class _User(_Handler):
    def get(self, user: str) -> None:
        model = self.hub.model_of(self.request)
        if self.request.headers.get("Authorization") == f"token {SERVICE_TOKEN}":
            model = next((one for one in self.hub.tokens.values() if one["name"] == user), None)
        if model is None or model["name"] != user:
            self.set_status(404)
            return
        servers = [_listed(owner, name) for owner, name in self.hub.servers if owner == user]
        self.write(servers[0] if servers else {"name": user, "servers": {}})


class _Group(_Handler):
    def get(self, group: str) -> None:
        people = {one["name"] for one in self.hub.tokens.values() if group in one.get("groups", ())}
        self.write({"name": group, "users": sorted(people)})


class _Tokens(_Handler):
    def post(self, user: str) -> None:
        model = self.hub.model_of(self.request)
        if model is None or model["name"] != user or "tokens!user" not in model.get("may", ()):
            self.set_status(403)
            return
        self.hub.made.append({"user": user, **json.loads(self.request.body)})
        self.set_status(201)
        self.write({"token": f"made-{len(self.hub.made)}"})


class _OneToken(_Handler):
    def delete(self, user: str, token: str) -> None:
        self.hub.revoked.append(token)
        self.set_status(204)


class _Server(_Handler):
    async def post(self, user: str, name: str) -> None:
        model = self.hub.model_of(self.request)
        if model is None or model["name"] != user:
            self.set_status(404)
            return
        options = json.loads(self.request.body)["user_options"]
        try:
            admission = await asyncio.to_thread(
                self.hub.ledger.admit, owner=user, groups=[], server_name=name, user_options=options
            )
        except GavipError as error:
            self.set_status(error.status_code)
            self.write({"message": error.message})
            return
        if self.hub.slow is not None:
            await self.hub.slow.wait()
        self.hub.servers[user, name] = admission.ledger_id
        self.set_status(202 if self.hub.hasty else 201)

    async def delete(self, user: str, name: str) -> None:
        if self.hub.stuck:
            self.set_status(500)
            return
        ledger_id = self.hub.servers.pop((user, name), None)
        if ledger_id and not self.hub.forgetful:
            await asyncio.to_thread(self.hub.ledger.close, ledger_id)
        self.set_status(204)


@dataclass
class RunningService:
    """A service that answers on loopback, and the fakes around it."""

    service: Service
    hub: FakeHub
    backend: FakeBackend
    root: Path
    url: str

    @property
    def origin(self) -> str:
        """The portal's own origin, as browsers see it."""
        return self.service.core.config.public_url

    def client(self, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """Return a client with a token; paths are below the REST interface."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url + API,
            headers=headers | options.pop("headers", {}),
            **{"timeout": PATIENCE, **options},
        )

    def publish(self, *, avi: str = "stars", version: str = "1.0", visibility: str = "public") -> ReleaseView:
        """Publish the star counter as the developer."""
        star_counter(self.root / "users" / "dora" / avi)
        return self.service.core.releases.submit(
            submitter="dora",
            request=ReleaseSubmit(folder=avi, avi=avi, version=version, visibility=visibility),
        )


TOKENS = {
    "ann-token": person("ann"),
    "bob-token": person("bob"),
    "dora-token": person("dora", scopes=DEVELOPER, role="developer"),
    "olga-token": person("olga", scopes=OPERATOR, role="operator"),
    "reader-token": person("ann", scopes=("read:jobs",)),
    "ann-stars-token": interface_of("ann", "stars"),
    "robot-token": {"kind": "service", "name": "robot", "scopes": []},
}


@asynccontextmanager
async def running_service(
    root: Path, *, report: SandboxReport | None = None, images: ImageSource | None = None, **settings: Any
) -> AsyncIterator[RunningService]:
    """Run the service and a fake Hub on free loopback ports."""
    (root / "state").mkdir(parents=True)
    (hub_socket, hub_port), (own_socket, own_port) = bind_unused_port(), bind_unused_port()
    ports = {"public": own_port, "proxy_api": 1, "hub": hub_port, "service": own_port}
    (root / "state" / "ports.json").write_text(json.dumps(ports))
    limits = {"platform_memory_mb": 4096, "platform_cpu": 8.0, "bundled_avis": False}
    config = load_config(root, **{**limits, **settings})
    migrate.upgrade(config.database_url)
    backend = FakeBackend()
    report = report or SandboxReport(bwrap=None, enforced=frozenset(MEASURES))
    service = make_service(config, service_token=SERVICE_TOKEN, backend=backend, report=report, images=images)
    hub = FakeHub(config=config, tokens=dict(TOKENS))
    servers = [HTTPServer(hub.application()), HTTPServer(service.application)]
    for server, socket in zip(servers, (hub_socket, own_socket), strict=True):
        server.add_socket(socket)
    loops = [
        asyncio.create_task(run())
        for run in (
            service.scheduler.run,
            service.keeper.run,
            service.outside.run,
            service.provenance_noter.run,
            service.provenance_closer.run,
            service.comparer.run,
            service.image_maker.run,
            service.product_maker.run,
            service.share_ender.run,
            service.group_reader.run,
            service.context.feed.run,
        )
    ]
    try:
        yield RunningService(
            service=service, hub=hub, backend=backend, root=root, url=f"http://127.0.0.1:{own_port}"
        )
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)
        await service.context.services.opening.stop_following()
        for server in servers:
            server.stop()
            await server.close_all_connections()
        hub.ledger._database.close()
        service.close()
        # One a loop, each of which watches the machine's name servers by a means of which the system has 128.
        await JupyterHubHTTPClient.loop_instance().close()


async def until(condition: Any, *, seconds: float = PATIENCE) -> Any:
    """Wait until an async condition gives something true; fail when it never does."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):
            await asyncio.sleep(0.02)
        return found


def pages_of(service: "RunningService", token: str | None) -> httpx.AsyncClient:
    """Return a client of the portal's pages."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=f"{service.url}/services/gavip", headers=headers, timeout=PATIENCE)


async def health(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    """Return status and words of the service's health."""
    answer = await client.get("/health")
    return answer.status_code, answer.json()


async def waiting_job(service: "RunningService", client: httpx.AsyncClient) -> str:
    """Fill the platform with a job; return another that waits and has been told for which limit."""
    service.service.core.config.platform_memory_mb = 600
    body = {"avi": "stars", "pipeline": "count", "parameters": {"radius": 2}, "memory_mb": 400}
    await client.post("/jobs", json=body)
    job = str((await client.post("/jobs", json=body)).json()["id"])

    async def told() -> Any:
        return (await client.get(f"/jobs/{job}/wait")).json()["limits"]

    await until(told)  # the claim of the first comes after the pass that chose it
    return job
