"""Have the Hub fill the proxy with its routes: after a restart of the proxy, and now and then."""

import asyncio
import logging

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from gavip_hub.config import Gavip
from gavip_hub.supervise.installation import Secrets

ROUTES_EVERY = 300.0

log = logging.getLogger("gavip.supervisor")


class Routes:
    """The routes of one platform's proxy.

    Parameters
    ----------
    secrets
        Among them the token that may ask for this, and nothing else.
    """

    def __init__(self, *, config: Gavip, secrets: Secrets) -> None:
        self._url = f"{config.hub_url}/hub/api/proxy"
        self._token = secrets.supervisor_token

    async def restore(self) -> None:
        """Have the Hub look at all routes now."""
        try:
            await AsyncHTTPClient().fetch(
                self._url, method="POST", body="", headers={"Authorization": f"token {self._token}"}
            )
        except (HTTPClientError, OSError) as error:
            # The Hub is down as well: it fills the proxy by itself when it starts.
            log.warning("the Hub could not fill the proxy: %s", error)

    async def keep(self) -> None:
        """Have the routes checked now and then: the Hub does so only with its activity poll, which is off."""
        while True:
            await asyncio.sleep(ROUTES_EVERY)
            await self.restore()
