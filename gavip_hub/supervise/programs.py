"""The command lines, environments and probes of proxy, Hub, service and WebDAV, and of who stands beside containers."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gavip_hub.backends.runtime import CONTAINERS, doorkeeper_socket, steward_socket
from gavip_hub.config import BACKEND_ENV, LOOPBACK, SETTINGS_ENV, SITE_ENV, Gavip, Ports
from gavip_hub.hub import access
from gavip_hub.supervise import proxy
from gavip_hub.supervise.installation import Secrets
from gavip_hub.supervise.probe import Probe, SocketProbe
from gavip_hub.supervise.sibling import Program

HUB_CONFIG = Path(__file__).with_name("hub_config.py")


PARTS = ("doorkeeper", "steward", "proxy", "hub", "service", "webdav")
"""What a whole platform is made of, in the order in which it starts."""
WEBDAV = "webdav"
_BESIDE_CONTAINERS = ("doorkeeper", "steward")


def programs(config: Gavip, *, ports: Ports, secrets: Secrets, proxy_script: Path) -> list[Program]:
    """Return the siblings in the order in which they start."""
    left_out = (
        *(() if config.backend == "docker" else _BESIDE_CONTAINERS),
        *(() if config.webdav else (WEBDAV,)),
    )
    names = [name for name in PARTS if name not in left_out]
    return [program(name, config, ports=ports, secrets=secrets, proxy_script=proxy_script) for name in names]


def program(
    name: str, config: Gavip, *, ports: Ports, secrets: Secrets, proxy_script: Path | None
) -> Program:
    """Return one of them, looking at nothing that another needs.

    Parameters
    ----------
    proxy_script
        Where the proxy is installed; only the proxy itself needs it.
    """
    makers: dict[str, Callable[[], Program]] = {
        "doorkeeper": partial(_doorkeeper, config),
        "steward": partial(_steward, config),
        "proxy": partial(_proxy, config, ports=ports, secrets=secrets, script=proxy_script or Path()),
        "hub": partial(_hub, config, ports=ports),
        "service": partial(_service, config, ports=ports, secrets=secrets),
        WEBDAV: partial(_webdav, config, ports=ports),
    }
    return makers[name]()


def _doorkeeper(config: Gavip) -> Program:
    path = doorkeeper_socket(config.root)
    return Program(
        name="doorkeeper",
        title="doorkeeper",
        argv=[sys.executable, "-I", "-m", "avi_kernel.doorkeeper", str(config.root / CONTAINERS), str(path)],
        env={},
        probe=SocketProbe(path=path, line="ping"),
        beside_containers=True,
    )


def _steward(config: Gavip) -> Program:
    return Program(
        name="steward",
        title="steward of containers",
        argv=[sys.executable, "-m", "gavip_hub.backends.docker.steward", "--root", str(config.root)],
        env={**_chosen(config), "PATH": _path()},
        probe=SocketProbe(path=steward_socket(config.root), line='{"act": "ping"}'),
        beside_containers=True,
    )


def _chosen(config: Gavip) -> dict[str, str]:
    """Tell a process what was chosen on the command line, and by the site."""
    site = {name: value for name, value in os.environ.items() if name.startswith((SETTINGS_ENV, SITE_ENV))}
    return {**site, BACKEND_ENV: config.backend}


def _proxy(config: Gavip, *, ports: Ports, secrets: Secrets, script: Path) -> Program:
    return Program(
        name="proxy",
        title="proxy",
        argv=proxy.command(
            script,
            port=ports.public,
            api_port=ports.proxy_api,
            error_target=f"{config.hub_url}/hub/error",
            address=config.listens_at("proxy"),
            behind_front=config.scheme == "https",
        ),
        env={"CONFIGPROXY_AUTH_TOKEN": secrets.proxy_token},
        probe=Probe(
            url=f"http://{LOOPBACK}:{ports.proxy_api}/api/routes",
            headers={"Authorization": f"token {secrets.proxy_token}"},
        ),
    )


def _hub(config: Gavip, *, ports: Ports) -> Program:
    return Program(
        name="hub",
        title="JupyterHub",
        argv=[sys.executable, "-m", "jupyterhub", f"--config={HUB_CONFIG}"],
        env={
            **_chosen(config),
            "GAVIP_DATA_ROOT": str(config.root),
            "PATH": _path(),
        },
        probe=Probe(url=f"http://{LOOPBACK}:{ports.hub}/hub/health"),
    )


def _service(config: Gavip, *, ports: Ports, secrets: Secrets) -> Program:
    prefix = f"/services/{access.SERVICE}/"
    return Program(
        name="service",
        title="service",
        argv=[sys.executable, "-m", "gavip_hub.app", "--root", str(config.root)],
        env={
            **_chosen(config),
            "JUPYTERHUB_SERVICE_NAME": access.SERVICE,
            "JUPYTERHUB_API_TOKEN": secrets.service_token,
            "JUPYTERHUB_API_URL": f"{config.hub_url}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"service-{access.SERVICE}",
            "JUPYTERHUB_HOST": config.public_url,
            "JUPYTERHUB_PUBLIC_URL": f"{config.public_url}{prefix}",
            "JUPYTERHUB_PUBLIC_HUB_URL": f"{config.public_url}/hub/",
            "JUPYTERHUB_SERVICE_PREFIX": prefix,
            "JUPYTERHUB_SERVICE_URL": f"{config.service_url}{prefix}",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{config.public_url}{prefix}oauth_callback",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["access:services!service={access.SERVICE}"]',
            "JUPYTERHUB_OAUTH_SCOPES": f'["access:services!service={access.SERVICE}"]',
            "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": str(int(config.binds_cookies)),
            "PATH": _path(),
        },
        probe=Probe(url=f"http://{LOOPBACK}:{ports.service}{prefix}api/health/live"),
    )


def _webdav(config: Gavip, *, ports: Ports) -> Program:
    return Program(
        name=WEBDAV,
        title="WebDAV",
        argv=[sys.executable, "-m", "gavip_hub.dav.app", "--root", str(config.root)],
        env={**_chosen(config), "PATH": _path()},
        probe=Probe(url=f"http://{LOOPBACK}:{ports.webdav}{access.WEBDAV_MOUNT}/.health"),
    )


def _path() -> str:
    """Return a PATH on which this environment's own programs come first."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
