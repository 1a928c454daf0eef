"""The one page of an interface, and the few addresses that it needs."""

import json
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, ClassVar

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from tornado.iostream import StreamClosedError
from typing_extensions import override
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.kernel_websocket_handler import (
    VoilaKernelWebsocketHandler,
    read_header_from_binary_message,
)

from avi_kernel.interface.activity import Activity
from avi_kernel.interface.memory import give_back
from avi_kernel.interface.mends import OwnOriginSuffices
from avi_kernel.interface.options import NoInterface
from avi_kernel.interface.page_runs import PageRun, in_batches
from avi_kernel.interface.rendering import Unreadable

KEEP_ALIVE = 10.0
"""Seconds: a proxy closes a silent connection, and a cell may take long."""
FAILED = """</main><section class="gavip-error" role="alert"><h2>This interface could not start</h2>
<p>Reload the page to try again. If it fails again, close the AVI in the portal and open it anew.</p></section>
<script>gavip.failed()</script></body></html>
"""


class PageHandler(JupyterHandler):
    """Serve the interface: a kernel of its own, the cells as they run."""

    @override
    def initialize(self, interface: Any) -> None:
        self.interface = interface
        self._gone = False

    @override
    @tornado.web.authenticated
    async def get(self) -> None:
        """Send the page piece by piece."""
        if self.get_query_argument("token", None):
            # The cookie is set by now; the secret must not stay in the address bar and the history.
            self.redirect(self.request.path)
            return
        self.interface.activity.touch()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        await self._send_page()

    async def _send_page(self) -> None:
        query = self.request.query
        run = await self.interface.first_page.take(query=query) or await self._begin(query)
        if run is None:
            return
        try:
            async with aclosing(run.pieces) as pieces:
                async for html in in_batches(pieces, keep_alive=KEEP_ALIVE):
                    self.write(html)
                    await self.flush()
        except StreamClosedError:
            self._gone = True
        except Exception:  # the head is sent: no status can tell it any more, so the page must
            self.log.exception("The interface could not be run")
            self.write(FAILED)
            self._gone = True
        finally:
            if self._gone:
                await run.abandon()
            give_back()

    async def _begin(self, query: str) -> PageRun | None:
        """Begin the page, or tell its developer why there is none."""
        source = self.interface.source
        if source is None:
            return await PageRun.begin(self.interface, query=query)
        revision = source.revision()  # before the notebook is read: what is saved from now on counts
        try:
            return await PageRun.begin(self.interface, query=query, revision=revision)
        except Exception as error:
            if isinstance(error, NoInterface | Unreadable):
                self.log.warning("The interface could not be begun: %s", error)
            else:
                self.log.exception("The interface could not be begun")
            self.set_status(HTTPStatus.INTERNAL_SERVER_ERROR)
            self.finish(self.interface.broken_page(error, revision=revision))
            return None

    @override
    def on_connection_close(self) -> None:
        self._gone = True


class KernelHandler(JupyterHandler):
    """Tell the page that its kernel exists; nothing else of Jupyter's kernels API."""

    @override
    @tornado.web.authenticated
    def get(self, kernel_id: str) -> None:
        """Return the kernel's model."""
        if kernel_id not in self.kernel_manager:
            raise tornado.web.HTTPError(404, "This kernel has ended.")
        model = self.kernel_manager.kernel_model(kernel_id)  # type: ignore[no-untyped-call]
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(model, default=str))


class ChannelsHandler(VoilaKernelWebsocketHandler):  # type: ignore[misc]  # Voilà has no types
    """Carry widget messages between the page and its kernel."""

    NOT_THE_USER: ClassVar[set[str]] = {"kernel_info_request", "comm_info_request"}
    """What a page sends by itself, when a connection comes back: nobody need be there."""

    @override
    def initialize(self, activity: Activity) -> None:
        self._activity = activity

    @override
    def on_message(self, message: str | bytes) -> None:
        if message_type(message) not in self.NOT_THE_USER:
            self._activity.touch()
        super().on_message(message)


class ShutdownHandler(OwnOriginSuffices, VoilaShutdownKernelHandler):  # type: ignore[misc]  # as above
    """End the kernel of a page that is being left."""

    @tornado.web.authenticated
    async def post(self, kernel_id: str) -> None:
        """End it if it is still there."""
        if kernel_id in self.kernel_manager:
            await self.kernel_manager.shutdown_kernel(kernel_id, now=True)
        self.set_status(204)
        self.finish()


def message_type(message: str | bytes) -> str:
    """Return what kind of message a page sent, in either of Jupyter's two framings."""
    try:
        header = (
            read_header_from_binary_message(message)
            if isinstance(message, bytes)
            else json.loads(message).get("header")
        )
    except (ValueError, IndexError, AttributeError):
        return ""
    return str((header or {}).get("msg_type", ""))
