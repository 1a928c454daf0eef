"""What stock Voilà needs mended, all in one place: each with its cause, and a test that fails without it.

The third mend, the import that costs 0.9 s, must come before all others: see `avi_kernel.fast_imports`.
"""

from typing import Any
from urllib.parse import urlsplit

from jupyter_client.channels import AsyncZMQSocketChannel
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError


def wake_after_send() -> None:
    """Mend the lost wake-up that hangs pages with `Output` or `interact` widgets.

    Cause: a zmq socket announces events by an edge, once. nbclient's `OutputWidget` sends its state from
    within the handling of a message, through `AsyncZMQSocketChannel.send`, which writes to the raw shadow of
    the asyncio socket; that call reads the socket's events and so eats the announcement of a reply that has
    come meanwhile. The reply lies there and nobody is woken: the cell never ends, the page never loads.
    After each send, ask the asyncio socket to look again.
    Upstream: voila#1428, voila#1395, nbclient#312.
    """
    original = AsyncZMQSocketChannel.send
    if getattr(original, "wakes", False):
        return

    def send(self: Any, msg: dict[str, Any]) -> None:
        original(self, msg)
        self.socket._schedule_remaining_events()  # noqa: SLF001 - the only way; a test breaks when it goes

    send.wakes = True  # type: ignore[attr-defined]  # so that mending twice is mending once
    AsyncZMQSocketChannel.send = send  # type: ignore[method-assign]  # the mend itself


class OwnOriginSuffices:
    """Mend the kernel that leaks at every reload: mix it into the handler that ends a kernel.

    Cause: a page that goes away ends its kernel by `navigator.sendBeacon`, which cannot set a header; it
    looks for the `_xsrf` cookie to put into its form, does not find it (HttpOnly, or set for another path),
    and the server answers 403: the kernel stays for ever, and a few reloads fill a small container.
    The token would prove that the request comes from our own page. The `Origin` header, which no script can
    forge, proves the same: this one request is accepted on it.
    Upstream: voila#1458.
    """

    request: HTTPServerRequest

    def check_xsrf_cookie(self) -> None:
        """Accept the request from our own origin, and from no other."""
        origin = urlsplit(self.request.headers.get("Origin", ""))
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if origin.netloc != self.request.host or site != "same-origin":
            raise HTTPError(403, "Only the interface's own page may end its kernel.")
