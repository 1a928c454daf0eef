"""The command lines, environments and probes of proxy, Hub and service, and of who stands beside containers."""

import os
import sys
from pathlib import Path

from gavip_hub.backends.runtime import CONTAINERS, doorkeeper_socket, steward_socket
from gavip_hub.config import BACKEND_ENV, Gavip, Ports
from gavip_hub.hub import access
from gavip_hub.supervise import proxy
from gavip_hub.supervise.installation import Secrets
from gavip_hub.supervise.probe import Probe, SocketProbe
from gavip_hub.supervise.sibling import Program

HUB_CONFIG = Path(__file__).with_name("hub_config.py")


def programs(config: Gavip, *, ports: Ports, secrets: Secrets, proxy_script: Path) -> list[Program]:
    """Return the siblings in the order in which they start."""
    return [
        *([_doorkeeper(config), _steward(config)] if config.backend == "docker" else []),
        _proxy(ports=ports, secrets=secrets, script=proxy_script),
        _hub(config, ports=ports),
        _service(config, ports=ports, secrets=secrets),
    ]


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
        env={**_backend(config), "PATH": _path()},
        probe=SocketProbe(path=steward_socket(config.root), line='{"act": "ping"}'),
        beside_containers=True,
    )


def _backend(config: Gavip) -> dict[str, str]:
    """Tell a process what was chosen on the command line."""
    return {BACKEND_ENV: config.backend}


def _proxy(*, ports: Ports, secrets: Secrets, script: Path) -> Program:
    return Program(
        name="proxy",
        title="proxy",
        argv=proxy.command(
            script,
            port=ports.public,
            api_port=ports.proxy_api,
            error_target=f"http://127.0.0.1:{ports.hub}/hub/error",
        ),
        env={"CONFIGPROXY_AUTH_TOKEN": secrets.proxy_token},
        probe=Probe(
            url=f"http://127.0.0.1:{ports.proxy_api}/api/routes",
            headers={"Authorization": f"token {secrets.proxy_token}"},
        ),
    )


def _hub(config: Gavip, *, ports: Ports) -> Program:
    return Program(
        name="hub",
        title="JupyterHub",
        argv=[sys.executable, "-m", "jupyterhub", f"--config={HUB_CONFIG}"],
        env={
            **_backend(config),
            "GAVIP_DATA_ROOT": str(config.root),
            "PATH": _path(),
        },
        probe=Probe(url=f"http://127.0.0.1:{ports.hub}/hub/health"),
    )


def _service(config: Gavip, *, ports: Ports, secrets: Secrets) -> Program:
    prefix = f"/services/{access.SERVICE}/"
    return Program(
        name="service",
        title="service",
        argv=[sys.executable, "-m", "gavip_hub.app", "--root", str(config.root)],
        env={
            **_backend(config),
            "JUPYTERHUB_SERVICE_NAME": access.SERVICE,
            "JUPYTERHUB_API_TOKEN": secrets.service_token,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{ports.hub}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"service-{access.SERVICE}",
            "JUPYTERHUB_HOST": config.public_url,
            "JUPYTERHUB_PUBLIC_URL": f"{config.public_url}{prefix}",
            "JUPYTERHUB_PUBLIC_HUB_URL": f"{config.public_url}/hub/",
            "JUPYTERHUB_SERVICE_PREFIX": prefix,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{ports.service}{prefix}",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{config.public_url}{prefix}oauth_callback",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["access:services!service={access.SERVICE}"]',
            "JUPYTERHUB_OAUTH_SCOPES": f'["access:services!service={access.SERVICE}"]',
            "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": str(int(config.binds_cookies)),
            "PATH": _path(),
        },
        probe=Probe(url=f"http://127.0.0.1:{ports.service}{prefix}api/health/live"),
    )


def _path() -> str:
    """Return a PATH on which this environment's own programs come first."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
