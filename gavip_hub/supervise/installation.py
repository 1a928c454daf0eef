"""What the first start makes below the data root, and every later start finds: folders, ports, secrets."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from gavip_hub.backends.runtime import choose_runtime
from gavip_hub.config import PORTS_FILE, Gavip, Ports
from gavip_hub.exceptions import Unavailable

PRIVATE_FOLDERS = ("hub", "secrets", "state", "logs", "cache", "boxes", "containers")


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the platform's own processes prove themselves with."""

    proxy_token: str
    service_token: str
    supervisor_token: str


_FILES = {
    "proxy_token": "proxy.token",
    "service_token": "service.token",
    "supervisor_token": "supervisor.token",
}


def prepare(config: Gavip) -> tuple[Ports, Secrets]:
    """Make what is missing below the data root; harmless to call again."""
    config.root.mkdir(parents=True, exist_ok=True)
    # Users' boxes may pass through, where they have uids of their own, and list nothing.
    config.root.chmod(0o711)
    for name in PRIVATE_FOLDERS:
        (config.root / name).mkdir(mode=0o700, exist_ok=True)
    if config.runtime:
        choose_runtime(config.root, Path(config.runtime))
    return _keep_ports(config), read_secrets(config.root)


def prepared(config: Gavip) -> tuple[Ports, Secrets]:
    """Return what an earlier `prepare` made, as far as this process may see it, and make nothing.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        There was none.
    """
    if config.ports is None:
        raise Unavailable(
            f"{config.root} is not prepared; run `gavip admin prepare --root {config.root}` first."
        )
    files = {name: config.root / "secrets" / file for name, file in _FILES.items()}
    return config.ports, Secrets(
        **{name: file.read_text() if file.is_file() else "" for name, file in files.items()}
    )


def read_secrets(root: Path) -> Secrets:
    """Return the platform's secrets, made now where they are missing."""
    return Secrets(**{name: _secret(root / "secrets" / file) for name, file in _FILES.items()})


def write_private(file: Path, content: str) -> None:
    """Replace a file that only the platform may read; never seen half written."""
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(content)
        new.replace(file)
    except OSError:  # the disk is full; it may be tried many times
        new.unlink()
        raise


def _secret(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_hex(32))
    return file.read_text()


def _keep_ports(config: Gavip) -> Ports:
    known = config.ports
    proxy_api, hub, service, webdav = free_ports(4)
    ports = Ports(
        public=config.port,
        proxy_api=known.proxy_api if known else proxy_api,
        hub=known.hub if known else hub,
        service=known.service if known else service,
        webdav=(known.webdav if known else 0) or webdav,
    )
    if ports != known:
        write_private(config.root / PORTS_FILE, json.dumps(asdict(ports)))
    return ports


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nothing listens on now, all different."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
