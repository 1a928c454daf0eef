"""Configure a stock JupyterHub as GAVIP's sign-in, proxying and home of interactive servers."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from gavip_hub.backends.choice import make_launcher
from gavip_hub.backends.launched import AsyncLauncher
from gavip_hub.backends.walls import walls_of
from gavip_hub.config import Gavip, load_config
from gavip_hub.core import server_ledger
from gavip_hub.exceptions import Unavailable
from gavip_hub.hub import access
from gavip_hub.hub.forms import own_page_only
from gavip_hub.spawners.options import ServerHooks
from gavip_hub.supervise import accounts
from gavip_hub.supervise.installation import Secrets, read_secrets

TEMPLATES = Path(__file__).parent / "templates" / "hub"
STYLES = Path(__file__).parent / "static"
# A label of `<avi>--<user>.<host>`: two hyphens in a row would make one user's name look like another's AVI,
# and a DNS label ends at 63 characters, of which an AVI takes 20.
USER_NAME = r"(?=.{1,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*\Z"


def configure(c: Any, *, data_root: str | None = None) -> None:
    """Set every trait that the platform decides; `c` is the Hub's configuration.

    Parameters
    ----------
    data_root
        The platform's folder; default: `GAVIP_DATA_ROOT` of the environment.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The data root was not made yet.
    """
    root = data_root or os.environ.get("GAVIP_DATA_ROOT")
    if not root:
        raise Unavailable("GAVIP_DATA_ROOT does not name the data root; `gavip up` sets it.")
    config = load_config(root)
    secrets = read_secrets(config.root)
    _addresses(c, config, secrets)
    _state(c, config)
    _sign_in(c, config)
    _roles(c, config, secrets)
    _servers(c, config)


def _addresses(c: Any, config: Gavip, secrets: Secrets) -> None:
    if config.ports is None:
        raise Unavailable(f"{config.root} has no ports yet; start the platform with `gavip up` first.")
    c.JupyterHub.bind_url = f"http://127.0.0.1:{config.port}"
    c.JupyterHub.hub_bind_url = f"http://{config.listens_at('hub')}:{config.ports.hub}"
    c.JupyterHub.hub_connect_url = config.hub_url
    c.JupyterHub.subdomain_host = config.public_url
    c.JupyterHub.subdomain_hook = _domain_of
    # The Hub's own host alone: by default it answers on every host that has no server, and would then serve
    # its sign-in page and API on the origin of an AVI.
    c.JupyterHub.hub_routespec = f"{config.domain}/"
    c.JupyterHub.default_url = f"/services/{access.SERVICE}/"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = config.proxy_api_url
    c.ConfigurableHTTPProxy.auth_token = secrets.proxy_token


def _domain_of(name: str, domain: str, kind: str) -> str:
    """Our portal shares the Hub's own host, which it is trusted with; users get hosts of their own."""
    return domain if kind == "service" else f"{name}.{domain}"


def _state(c: Any, config: Gavip) -> None:
    folder = config.root / "hub"
    c.JupyterHub.db_url = f"sqlite:///{folder / 'jupyterhub.sqlite'}"
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
    # A restart of the Hub is the normal path: neither servers nor the proxy end with it.
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    # To the proxy a forgotten tab's websocket pings are activity, and no interface would ever be idle. Servers report
    # what their users do themselves; the routes, which the Hub would check at the same time, the supervisor lets check.
    c.JupyterHub.last_activity_interval = 0
    # The Hub's pages carry our styles inside them, so that they look right when the portal is down.
    c.JupyterHub.template_paths = [str(TEMPLATES), str(STYLES)]


def _sign_in(c: Any, config: Gavip) -> None:
    c.JupyterHub.authenticator_class = "firstuseauthenticator.FirstUseAuthenticator"
    c.FirstUseAuthenticator.create_users = False
    c.FirstUseAuthenticator.dbm_path = str(config.root / accounts.DATABASE)
    c.FirstUseAuthenticator.min_password_length = 12
    c.Authenticator.allowed_users = set(config.users)
    # Whoever is no longer named is no user any more: the Hub drops their account, and with it every token.
    c.Authenticator.allow_existing_users = False
    c.Authenticator.username_pattern = rf"(?=(?:{'|'.join(map(re.escape, config.users))})\Z){USER_NAME}"
    c.Authenticator.delete_invalid_users = True
    c.Authenticator.post_auth_hook = own_page_only(config.public_url)
    # The browser itself then refuses cookies that a sibling host set for the whole domain (docs/adr/0035).
    c.JupyterHub.cookie_host_prefix_enabled = config.binds_cookies
    if config.binds_cookies:
        # Without TLS the Hub would forget the attribute that such a name demands on the cookies of a sign-in's state.
        c.JupyterHub.tornado_settings = {"cookie_options": {"secure": True}}


def _roles(c: Any, config: Gavip, secrets: Secrets) -> None:
    c.JupyterHub.custom_scopes = access.CUSTOM_SCOPES
    c.JupyterHub.load_roles = access.roles(config.users)
    c.JupyterHub.load_groups = {name: {"users": list(members)} for name, members in config.groups.items()}
    c.JupyterHub.services = [
        {
            "name": access.SERVICE,
            "url": config.service_url,
            "api_token": secrets.service_token,
            "oauth_no_confirm": True,
            "oauth_redirect_uri": f"{config.public_url}/services/{access.SERVICE}/oauth_callback",
            "oauth_client_allowed_scopes": access.PORTAL_SCOPES,
        },
        {
            "name": access.COMMAND,
            "api_token": access.command_secret(secrets.service_token),
            "oauth_client_id": access.COMMAND_CLIENT,
            # The portal's own page has asked, with what was shown by the command (docs/adr/0047).
            "oauth_no_confirm": True,
            "oauth_redirect_uri": f"{config.public_url}/services/{access.SERVICE}/device/callback",
            "oauth_client_allowed_scopes": access.COMMAND_CLIENT_SCOPES,
            "display": False,
        },
        {"name": access.SUPERVISOR, "api_token": secrets.supervisor_token, "display": False},
        *_webdav(config, secrets),
    ]


def _webdav(config: Gavip, secrets: Secrets) -> list[dict[str, Any]]:
    """Return the route to people's files, which holds no scopes."""
    if not config.webdav_url:
        return []
    token = access.webdav_secret(secrets.service_token)
    return [{"name": access.WEBDAV, "url": config.webdav_url, "api_token": token, "display": False}]


def _servers(c: Any, config: Gavip) -> None:
    hooks = ServerHooks(open_ledger=lambda: server_ledger(config))
    c.JupyterHub.allow_named_servers = True
    # A backend of a site's own starts jobs; servers are boxes of this machine then.
    c.JupyterHub.spawner_class = "gavip-docker" if config.backend == "docker" else "gavip-process"
    c.LaunchedSpawner.launcher = cache(
        lambda: AsyncLauncher(launcher=make_launcher(config, walls_of(config)))
    )
    c.LaunchedSpawner.ready_hook = hooks.ready
    c.Spawner.apply_user_options = hooks.admit
    c.Spawner.post_stop_hook = hooks.close
    c.Spawner.server_token_scopes = lambda spawner: access.server_token_scopes(spawner.name)
    c.Spawner.start_timeout = 60
    c.Spawner.http_timeout = 30
    c.Spawner.poll_interval = 5  # a look at two files of a box, or a question of milliseconds to the engine
