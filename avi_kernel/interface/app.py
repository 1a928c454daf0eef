"""The interface server: Voilà itself as the single-user server, with only what a page needs."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tornado.httpserver
import tornado.netutil
from jupyter_core.utils import run_sync
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from traitlets import Any as AnyTrait
from traitlets import Instance, default
from traitlets.config import Config
from typing_extensions import override
from voila.app import Voila

from avi_kernel.interface import mends
from avi_kernel.interface.activity import Activity, Report
from avi_kernel.interface.assets import OWN, AssetHandler, Assets, ExtensionHandler
from avi_kernel.interface.auth import HubIdentity, LocalIdentity
from avi_kernel.interface.bundle import Bundle, BundleHandler
from avi_kernel.interface.files import AliveHandler, FolderHandler, LostHandler
from avi_kernel.interface.forking import Nursery
from avi_kernel.interface.kernels import (
    ALLOWED_MESSAGES,
    PROVISIONER,
    InterfaceKernels,
)
from avi_kernel.interface.notices import NoticeHandler, Notices, Place
from avi_kernel.interface.options import Options
from avi_kernel.interface.page_runs import FirstPage
from avi_kernel.interface.pages import ChannelsHandler, KernelHandler, PageHandler, ShutdownHandler
from avi_kernel.interface.rendering import TEMPLATE, Executor, Renderer, make_exporter
from avi_kernel.transport import ApiError

if TYPE_CHECKING:
    from avi_kernel.interface.reloading import Source

LONELY = 600
"""Seconds that a kernel lives with no page connected to it."""
ANSWER_FIRST = 0.2
"""Seconds for which a new server leaves its processor to the Hub's first question."""
SETTLED = 5.0
"""Seconds after which a new server has something to tell of its user."""
KERNEL_ID = r"(?P<kernel_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


class InterfaceServer(Voila):  # type: ignore[misc]  # Voilà has no types
    """Serves one AVI's interface to one user."""

    name = "voila"
    options = Instance(Options)
    nursery = Instance(Nursery, allow_none=True)
    activity = AnyTrait()
    notices = AnyTrait()
    assets = AnyTrait()
    bundle = AnyTrait()
    first_page = AnyTrait()
    source = AnyTrait(None, allow_none=True)
    seen = Instance(asyncio.Event, ())
    _outreach: bool | None = None

    @default("activity")
    def _no_activity_yet(self) -> Activity:
        return Activity(log=self.log)

    @default("notices")
    def _no_notice_yet(self) -> Notices:
        return Notices(activity=self.activity, log=self.log)

    @default("assets")
    def _own_assets(self) -> Assets:
        return Assets(base_url=self.base_url, folder=self.options.folder)

    @default("bundle")
    def _bundle_of_assets(self) -> Bundle:
        return Bundle(self.assets)

    @default("first_page")
    def _none_begun(self) -> FirstPage:
        return FirstPage(self)

    @default("source")
    def _source_of_a_developer(self) -> "Source | None":
        if not self.options.standalone:
            return None
        from avi_kernel.interface.reloading import Source  # noqa: PLC0415 - no part of a platform's server

        return Source(self.options.folder, assets=self.assets)

    @override
    def initialize(self, argv: list[str] | None = None) -> None:
        options = self.options
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(OWN), os.environ.get("JUPYTER_PATH")]))
        mends.wake_after_send()
        self.config_file_paths: list[
            str
        ] = []  # a stranger's or a user's voila.json must not change the server
        self.update_config(_settings(options))
        self.base_url = options.base_url
        self.token = options.token
        self.open_browser = False
        self.notebook_path = str(options.notebook())
        self.root_dir = str(options.folder)
        self.tornado_settings = {
            "headers": security_headers(options),
            "websocket_compression_options": None,
        }
        super().initialize(argv if argv is not None else [])

    @override
    def init_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().init_settings()
        # Voilà fixes a list of its own; ours is the one that is tested.
        self.kernel_manager.allowed_message_types = ALLOWED_MESSAGES
        self._exporter = make_exporter(
            template_paths=self.template_paths,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
        )
        self.page_config = self.assets.page_config()
        # A developer's server answers to loopback's own names, and not to one that somebody made lead there.
        return {**settings, "compress_response": True, "allow_remote_access": not self.options.standalone}

    @override
    def init_handlers(self) -> list[Any]:
        """List every address there is; what is not listed does not exist."""

        def below(path: str) -> str:
            return str(url_path_join(self.base_url, path))

        version = self.assets.version
        return [
            *self.identity_provider.routes(self.base_url),
            (self.base_url, PageHandler, {"interface": self}),
            (below("api"), AliveHandler, {"seen": self.seen}),
            (below("api/notice"), NoticeHandler, {"notices": self.notices}),
            (below(rf"api/kernels/{KERNEL_ID}"), KernelHandler),
            (below(rf"api/kernels/{KERNEL_ID}/channels"), ChannelsHandler, {"activity": self.activity}),
            (below(rf"voila/api/shutdown/{KERNEL_ID}"), ShutdownHandler),
            (below(rf"voila/static/{version}/bundle.js"), BundleHandler, {"bundle": self.bundle}),
            (below(rf"voila/static/{version}/(.*)"), AssetHandler, {"roots": self.assets.roots}),
            (
                below(rf"voila/labextensions/{version}/(.*)"),
                ExtensionHandler,
                {"extensions": self.assets.extensions},
            ),
            (below(r"files/(.*)"), FolderHandler, {"path": self.root_dir}),
            *self._for_a_developer(below("api/revision")),
            (r".*", LostHandler),
        ]

    def _for_a_developer(self, path: str) -> list[Any]:
        if self.source is None:
            return []
        from avi_kernel.interface.reloading import RevisionHandler  # noqa: PLC0415 - as above

        return [(path, RevisionHandler, {"source": self.source})]

    async def _get_ready(self) -> None:
        """Do before the first page what it needs, while its user's browser is still signing in."""
        if self.options.first_page_ahead:
            with suppress(TimeoutError):  # the Hub lets nobody in before it was answered
                await asyncio.wait_for(self.seen.wait(), ANSWER_FIRST)
            self.ioloop.spawn_callback(self.first_page.begin)
        await (await self.renderer()).warm_up(page=self.page({}))
        await self.bundle.compressed()

    async def _keep_in_touch(self) -> None:
        """Tell Hub and platform when somebody did something, from when the first page has come: it is what they wait for."""
        if self.options.standalone:
            return
        await asyncio.sleep(SETTLED)
        report, place = Report.from_hub(os.environ), Place.of_platform(os.environ)
        if report is not None:
            self.ioloop.spawn_callback(self.activity.keep_reporting, report)
        if place is not None:
            self.ioloop.spawn_callback(self.notices.keep_asking, place)

    async def renderer(self) -> Renderer:
        """Return what renders the page for this server's user."""
        return self.renderer_of(self.options.notebook(outreach=await self._for_outreach()))

    def renderer_of(self, notebook: Path, *, executor: type[Executor] = Executor) -> Renderer:
        """Return what renders a notebook of this AVI."""
        return Renderer(
            notebook=notebook,
            executor=executor,
            exporter=self._exporter,
            specs=self.kernel_spec_manager,
            show_tracebacks=self.options.standalone,
            log=self.log,
        )

    async def _for_outreach(self) -> bool:
        """Whether the user gets the simpler notebook; asked once, and only where there is one."""
        if not self.options.has_outreach:
            return False
        if self._outreach is None:
            from avi_kernel import profile  # noqa: PLC0415 - 10 MB of models, for the few AVIs that have two interfaces

            try:
                self._outreach = profile.is_outreach(await asyncio.to_thread(profile.current))
            except ApiError as error:
                self.log.warning("Which roles the user holds is not known: %s", error)
                return False
        return self._outreach

    def broken_page(self, error: Exception, *, revision: str) -> str:
        """Return what a developer sees in place of a page that cannot be begun."""
        from avi_kernel.interface.reloading import broken_page  # noqa: PLC0415 - as above

        return broken_page(error, revision=revision, assets=self.assets, base_url=self.base_url)

    def page(self, metadata: Mapping[str, Any], *, revision: str = "") -> dict[str, Any]:
        """Return what the page's frame shows, given the notebook's metadata; with a revision, a page that follows the source."""
        return {
            "revision": revision,
            "note": self.source.note() if revision else "",
            "title": self.options.title or metadata.get("title") or self.options.folder.name,
            "base_url": self.base_url,
            "portal_url": self.options.portal_url,
            "avi_url": self.options.avi_url,
            "static": self.assets.static_url,
            "scripts": [f"{self.assets.static_url}/{name}" for name in ("bundle.js", "voila.js")],
        }

    @override
    def listen(self) -> None:
        """Listen where we were told, and nowhere else if that is taken."""
        server = tornado.httpserver.HTTPServer(self.app, xheaders=True)
        if self.options.socket is not None:
            server.add_socket(tornado.netutil.bind_unix_socket(str(self.options.socket)))
        else:
            sockets = tornado.netutil.bind_sockets(self.options.port, self.options.ip)
            self.port = sockets[0].getsockname()[1]
            server.add_sockets(sockets)
        self.ioloop = IOLoop.current()
        self.ioloop.spawn_callback(self._get_ready)
        self.ioloop.spawn_callback(self._keep_in_touch)
        self.log.info("The interface is at %s", self.address)
        if self.options.standalone:
            sys.stdout.write(self.address + "\n")
            sys.stdout.flush()
        try:
            self.ioloop.start()
        finally:
            self.stop()

    @override
    def stop(self) -> None:
        """End the kernels, then remove their sockets: Voilà removes first, and kernels hear nothing for 2.5 s."""
        try:
            run_sync(self.kernel_manager.shutdown_all)()
        finally:
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    @property
    def address(self) -> str:
        """Where a browser finds the page; with the token that opens it, standalone."""
        if self.options.socket is not None:
            return f"unix:{self.options.socket}{self.base_url}"
        query = f"?token={self.options.token}" if self.options.standalone else ""
        return f"http://{self.options.host}:{self.port}{self.base_url}{query}"


def _settings(options: Options) -> Config:
    config = Config()
    if sys.platform == "linux":
        # Kernels' sockets lie there, and their paths must stay short; the folder itself is private.
        config.Voila.connection_dir_root = "/tmp"  # noqa: S108 - mkdtemp below it
    config.Voila.identity_provider_class = LocalIdentity if options.standalone else HubIdentity
    config.VoilaConfiguration.template = TEMPLATE
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.multi_kernel_manager_class = InterfaceKernels
    config.InterfaceKernels.work_dir = str(options.work_dir)
    config.InterfaceKernels.code_dir = str(options.folder)
    config.KernelProvisionerFactory.default_provisioner_name = PROVISIONER
    # A page that never came to life, or whose browser went without a word, leaves its kernel to this.
    config.MappingKernelManager.cull_idle_timeout = LONELY
    config.MappingKernelManager.cull_interval = 60
    # A kernel that died is not started again: its page's state is lost, and the page says so.
    config.KernelRestarter.restart_limit = 0
    return config


def security_headers(options: Options) -> dict[str, str]:
    """Return what every answer says of itself; the portal alone may frame an interface."""
    portal = options.portal_url.split("/services/")[0]
    policy = [
        "default-src 'self'",
        # Widget libraries compile templates, and notebooks write scripts into the page: its origin is the AVI's own.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        f"frame-ancestors 'self' {portal}".strip(),
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
