"""The one place where the platform's objects are made and joined."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from jupyterhub.services.auth import HubOAuth
from tornado.web import Application

import gavip_hub
from gavip_hub.backends.base import JobBackend
from gavip_hub.backends.choice import make_backend, make_image_source, make_launcher
from gavip_hub.backends.images import ImageSource
from gavip_hub.backends.previewing import PreviewProgram
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.backends.walls import own_bwrap, walls_of
from gavip_hub.clock import Clock
from gavip_hub.config import LOOPBACK, MB, Gavip
from gavip_hub.core import Core, make_core
from gavip_hub.deciding import make_services
from gavip_hub.handlers.base import UnknownPath
from gavip_hub.handlers.bodies import BoundedApplication
from gavip_hub.handlers.context import PREFIX, ServiceContext, Services, make_templates
from gavip_hub.handlers.device import CALLBACK
from gavip_hub.handlers.feed import EventFeed
from gavip_hub.handlers.probe import HealthProbe
from gavip_hub.handlers.routes import all_routes, openapi_document
from gavip_hub.handlers.sign_in import SignIn
from gavip_hub.health import make_probe
from gavip_hub.hub.client import HubClient
from gavip_hub.hub.commands import CommandTokens
from gavip_hub.metrics import Metrics
from gavip_hub.rounds import make_rounds
from gavip_hub.scheduler.loop import SchedulerLoop
from gavip_hub.scheduler.outcomes import OutcomeReader
from gavip_hub.scheduler.reconciler import Reconciler
from gavip_hub.scheduler.remains import Remains
from gavip_hub.scheduler.rounds import Rounds
from gavip_hub.scheduler.specs import JobSpecs
from gavip_hub.services.lifecycle import JobLifecycle
from gavip_hub.services.opening import Hub
from gavip_hub.storage import events
from gavip_hub.storage.git_http import GitHttp
from gavip_hub.thread_groups import ThreadGroups, connections, make_thread_groups
from gavip_hub.threads import Threads

IDENTITY_SECONDS = 60
"""How long the Hub's word on a token is believed."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that the service's process runs."""

    core: Core
    thread_groups: ThreadGroups
    context: ServiceContext
    application: Application
    scheduler: SchedulerLoop
    keeper: Rounds
    caretaker: Rounds
    evictor: Rounds
    forecaster: Rounds
    measurer: Rounds
    builder: Rounds
    tidier: Rounds
    outside: Rounds
    provenance_noter: Rounds
    provenance_closer: Rounds
    comparer: Rounds
    image_maker: Rounds
    product_maker: Rounds
    share_ender: Rounds
    group_reader: Rounds
    bin_keeper: Rounds

    def close(self) -> None:
        """Let transactions end, and give everything back."""
        self.core.outside_git.stop()
        self.context.services.images.stop()
        for threads in self.thread_groups:
            threads.close()
        self.core.database.close()


def make_service(
    config: Gavip,
    *,
    service_token: str,
    backend: JobBackend | None = None,
    hub: Hub | None = None,
    report: SandboxReport | None = None,
    clock: Clock | None = None,
    images: ImageSource | None = None,
) -> Service:
    """Make all that the service's process runs.

    Parameters
    ----------
    service_token
        What the service proves itself to the Hub with.
    backend, hub, report, clock, images
        Default: what the settings name; tests give their own.
    """
    core = make_core(config, connections=connections(config), clock=clock)
    report = report or walls_of(config)
    launcher = make_launcher(config, report)
    hub_client = HubClient(api_url=f"{config.hub_url}/hub/api", service_token=service_token)
    thread_groups = make_thread_groups(config)
    backend, metrics = backend or make_backend(config, launcher), Metrics()
    scheduler = _scheduler(core, backend, thread_groups, metrics=metrics)
    images, bwrap = images or make_image_source(config), own_bwrap(config, report)
    reader = PreviewProgram(bwrap=bwrap)
    services = make_services(core, hub or hub_client, thread_groups.database_threads, images, reader)
    context = _context(
        core,
        thread_groups,
        services=services,
        service_token=service_token,
        health=_health(core, scheduler, hub_client, report, thread_groups.probing_threads),
        notice=report.notice,
        metrics=metrics,
    )
    return Service(
        core=core,
        thread_groups=thread_groups,
        context=context,
        application=make_application(context, secret=_cookie_secret(service_token)),
        scheduler=scheduler,
        **make_rounds(
            core, context, hub=hub_client, launcher=launcher, thread_groups=thread_groups, bwrap=bwrap
        ),
    )


def _context(
    core: Core,
    thread_groups: ThreadGroups,
    *,
    services: Services,
    service_token: str,
    health: HealthProbe,
    notice: str,
    metrics: Metrics,
) -> ServiceContext:
    return ServiceContext(
        config=core.config,
        services=services,
        sign_in=_sign_in(core.config, service_token),
        command_tokens=_command_tokens(core.config, service_token),
        database_threads=thread_groups.database_threads,
        file_threads=thread_groups.file_threads,
        copying_threads=thread_groups.copying_threads,
        publishing_threads=thread_groups.publishing_threads,
        feed=_feed(core, thread_groups.database_threads),
        notices=(notice,) if notice else (),
        health=health,
        disk=core.disk,
        metrics=metrics,
        templates=make_templates(),
        git=_git(core),
    )


def make_application(context: ServiceContext, *, secret: str) -> Application:
    """Return the web application: API, portal and sign-in."""
    return BoundedApplication(
        all_routes(),
        default_handler_class=UnknownPath,
        context=context,
        cookie_secret=secret,
        openapi=openapi_document(gavip_hub.__version__),
    )


def bundled_folder() -> Path:
    """Return the folder of the bundled AVIs: in the installed package, or beside it in the repository."""
    package = Path(gavip_hub.__file__).parent
    installed = package / "bundled"
    return installed if installed.is_dir() else package.parent / "voila_apps"


def _health(
    core: Core, scheduler: SchedulerLoop, hub: HubClient, report: SandboxReport, threads: Threads
) -> HealthProbe:
    return make_probe(
        database=core.database,
        disk=core.disk,
        scheduler=scheduler,
        hub=hub,
        report=report,
        threads=threads,
        webdav_url=core.config.webdav_url,
    )


def _git(core: Core) -> GitHttp:
    config = core.config
    made = GitHttp(
        root=config.root,
        hooks_url=f"http://{LOOPBACK}:{config.service_port}{PREFIX}/api/pushes/self",
        repository_mb=config.repository_mb,
    )
    made.prepare()
    return made


def _scheduler(
    core: Core, backend: JobBackend, thread_groups: ThreadGroups, *, metrics: Metrics
) -> SchedulerLoop:
    config = core.config
    lifecycle = JobLifecycle(database=core.database, quotas=core.quotas, clock=core.clock)
    specs = JobSpecs(
        config=config,
        user_spaces=core.spaces,
        folders=core.folders,
        checkout=core.releases.checkout_of,
        image=core.releases.image_of,
        environment=core.environments.folder_of,
    )
    reconciler = Reconciler(
        lifecycle=lifecycle,
        backend=backend,
        specs=specs,
        remains=Remains(
            folders=core.folders,
            outcomes=OutcomeReader(folders=core.folders, most_bytes=config.results_mb * MB),
        ),
        clock=core.clock,
        database_threads=thread_groups.database_threads,
        file_threads=thread_groups.file_threads,
        silence=timedelta(seconds=config.silence),
    )
    return SchedulerLoop(
        database=core.database,
        lifecycle=lifecycle,
        reconciler=reconciler,
        backend=backend,
        policy=core.policies.current,
        clock=core.clock,
        threads=thread_groups.database_threads,
        pass_timer=metrics.passes.time,
        ranked=core.board.post,
        held=core.disk.shortage,
        first=core.clocks.look,
    )


def _sign_in(config: Gavip, service_token: str) -> SignIn:
    oauth = HubOAuth(
        api_url=f"{config.hub_url}/hub/api",
        api_token=service_token,
        base_url=f"{PREFIX}/",
        hub_host=config.public_url,
        hub_prefix="/hub/",
        oauth_client_id="service-gavip",
        oauth_redirect_uri=f"{config.public_url}{PREFIX}/oauth_callback",
        cookie_host_prefix_enabled=config.binds_cookies,
        cookie_options={"secure": True} if config.binds_cookies else {},
        cache_max_age=IDENTITY_SECONDS,
    )
    return SignIn(oauth=oauth, secret=_cookie_secret(service_token), origin=config.public_url)


def _command_tokens(config: Gavip, service_token: str) -> CommandTokens:
    return CommandTokens(
        api_url=f"{config.hub_url}/hub/api",
        public_url=config.public_url,
        callback=f"{config.public_url}{CALLBACK}",
        service_token=service_token,
    )


def _cookie_secret(service_token: str) -> str:
    """Return a secret that outlives a restart and ends with the service's own token."""
    return sha256(f"gavip-cookies:{service_token}".encode()).hexdigest()


def _feed(core: Core, threads: Threads) -> EventFeed:
    def latest() -> int:
        with core.database.reading() as session:
            return events.latest(session)

    def owners(after: int) -> frozenset[str]:
        with core.database.reading() as session:
            return events.owners_since(session, after=after)

    return EventFeed(
        subscribe=core.database.subscribe,
        latest=lambda: threads(latest),
        owners=lambda after: threads(owners, after),
    )
