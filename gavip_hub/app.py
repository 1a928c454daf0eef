"""The service's process: portal, API and scheduler loop in one event loop."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Literal, cast

from tornado.httpserver import HTTPServer
from traitlets import Unicode, default
from traitlets.config import Application
from typing_extensions import override

import gavip_hub
from gavip_hub import garbage
from gavip_hub.config import Gavip, load_config
from gavip_hub.exceptions import GavipError
from gavip_hub.factory import Service, bundled_folder, make_service
from gavip_hub.logs import set_up
from gavip_hub.services.releases import bundled_slug

STOP_SECONDS = 10.0

log = logging.getLogger("gavip.service")


class GavipService(Application):
    """Portal, API and scheduler of GAVIP; `gavip up` starts it with proxy and Hub around it."""

    name = "gavip-service"
    version = gavip_hub.__version__
    description = __doc__
    root = Unicode(help="Data root.").tag(config=True)
    aliases = {"root": "GavipService.root", "log-level": "Application.log_level"}  # noqa: RUF012 - traitlets' way

    @default("log_level")
    def _default_log_level(self) -> int:
        return logging.INFO

    @override
    def start(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises
        ------
        SystemExit
            It could not start; the reason was told.
        """
        config = load_config(self.root)
        set_up(level=cast("int", self.log_level), style=cast("Literal['text', 'json']", config.log_format))
        try:
            asyncio.run(self._serve(config))
        except GavipError as error:
            log.critical("%s", error)
            raise SystemExit(1) from None

    async def _serve(self, config: Gavip) -> None:
        service = make_service(config, service_token=os.environ["JUPYTERHUB_API_TOKEN"])
        try:
            await self._run(service)
        finally:
            await service.context.services.opening.stop_following()
            service.close()

    async def _run(self, service: Service) -> None:
        config = service.core.config
        if config.bundled_avis:
            await service.context.database_threads(publish_bundled, service)
        stop = _until_told()
        server = HTTPServer(service.application, xheaders=True)
        server.listen(config.service_port, config.listens_at("service"))
        garbage.look_seldom()
        log.info("Serving on %s", config.service_url)
        loops = [
            asyncio.create_task(service.scheduler.run()),
            asyncio.create_task(service.keeper.run()),
            asyncio.create_task(service.caretaker.run()),
            asyncio.create_task(service.evictor.run()),
            asyncio.create_task(service.forecaster.run()),
            asyncio.create_task(service.measurer.run()),
            asyncio.create_task(service.builder.run()),
            asyncio.create_task(service.tidier.run()),
            asyncio.create_task(service.outside.run()),
            asyncio.create_task(service.provenance_noter.run()),
            asyncio.create_task(service.provenance_closer.run()),
            asyncio.create_task(service.comparer.run()),
            asyncio.create_task(service.image_maker.run()),
            asyncio.create_task(service.product_maker.run()),
            asyncio.create_task(service.share_ender.run()),
            asyncio.create_task(service.group_reader.run()),
            asyncio.create_task(service.bin_keeper.run()),
            asyncio.create_task(service.context.feed.run()),
        ]
        told = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([told, *loops], return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        for task in [told, *loops]:
            task.cancel()
        await asyncio.wait([told, *loops], timeout=STOP_SECONDS)
        await asyncio.wait_for(server.close_all_connections(), STOP_SECONDS)
        for task in done - {told}:
            # A loop never ends by itself: let the supervisor start everything anew.
            task.result()


def publish_bundled(service: Service) -> None:
    """Publish the AVIs that come with the platform; what is published already stays as it is."""
    folder = bundled_folder()
    for avi in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not avi.is_dir() or avi.name.startswith((".", "_")):
            continue
        _publish_one(service, avi)


def _publish_one(service: Service, folder: Path) -> None:
    slug = bundled_slug(folder)
    try:
        service.core.releases.publish_bundled(folder, avi=slug, version=gavip_hub.__version__)
    except GavipError as error:
        # The platform is useful without it, and an operator reads the log.
        log.error("The bundled AVI %s is not published: %s", slug, error)  # noqa: TRY400 - the words say it all


def _until_told() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    GavipService.launch_instance(sys.argv[1:])
