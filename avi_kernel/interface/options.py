"""What an interface server is asked to serve, and where."""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a container, of which one port is shown on the machine's loopback
MAIN = "app.ipynb"
OUTREACH = "app_outreach.ipynb"


class NoInterface(Exception):
    """The AVI has no interface: there is no app.ipynb in its folder."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that is decided before the server starts."""

    folder: Path
    """The AVI's code, read-only."""
    work_dir: Path
    """Where kernels start: the user's folder of this AVI."""
    base_url: str = "/"
    """Path below which everything is served, with both slashes."""
    socket: Path | None = None
    """UNIX socket to listen on; otherwise ip and port."""
    ip: str = LOOPBACK
    port: int = 0
    """0: any that is free."""
    token: str | None = None
    """None behind the Hub; standalone, the secret in the address."""
    portal_url: str = ""
    avi: str = ""
    """Its name on the platform."""
    first_page_ahead: bool = False
    """Whether somebody opened it just now, and will ask for its page in a moment."""

    @property
    def avi_url(self) -> str:
        """Address of the AVI's page in the portal; empty where there is no portal."""
        return f"{self.portal_url}avis/{self.avi}" if self.portal_url and self.avi else ""

    @property
    def title(self) -> str:
        """The AVI's own title, where its manifest has one that can be read."""
        try:
            manifest = tomllib.loads((self.folder / "avi.toml").read_text())
        except (OSError, ValueError):
            return ""
        return str(manifest.get("title", ""))

    @property
    def host(self) -> str:
        """How a browser on this machine calls it."""
        return LOOPBACK if self.ip == EVERYWHERE else self.ip

    @property
    def standalone(self) -> bool:
        """Whether there is no Hub: a developer's own machine."""
        return self.token is not None

    def notebook(self, *, outreach: bool = False) -> Path:
        """Return the notebook to serve.

        Raises
        ------
        NoInterface
            When the folder has none.
        """
        candidates = [OUTREACH, MAIN] if outreach else [MAIN]
        for name in candidates:
            if (self.folder / name).is_file():
                return self.folder / name
        raise NoInterface(f"There is no {MAIN} in {self.folder}.")

    @property
    def has_outreach(self) -> bool:
        """Whether outreach users get a notebook of their own."""
        return (self.folder / OUTREACH).is_file()


def from_hub(env: Mapping[str, str]) -> Options:
    """Read what the spawner put into the environment (docs/explanation/contracts.md)."""
    address = urlsplit(env.get("JUPYTERHUB_SERVICE_URL", ""))
    socket = env.get("GAVIP_SOCKET") or (unquote(address.netloc) if address.scheme == "http+unix" else "")
    folder = Path(env["GAVIP_CODE_DIR"])
    return Options(
        folder=folder,
        work_dir=Path(env.get("GAVIP_WORK_DIR") or folder),
        base_url=_with_slashes(env.get("JUPYTERHUB_SERVICE_PREFIX", "/")),
        socket=Path(socket) if socket else None,
        ip=address.hostname or "127.0.0.1",
        port=(address.port or 0) if not socket else 0,
        portal_url=_portal(env),
        avi=env.get("GAVIP_AVI", ""),
        first_page_ahead=True,
    )


def standalone(
    *, folder: Path, port: int, ip: str = LOOPBACK, portal_url: str = "", work_dir: Path | None = None
) -> Options:
    """Serve a folder to its developer: loopback only, behind a token made now."""
    folder = folder.resolve()
    return Options(
        folder=folder,
        work_dir=work_dir or folder,
        ip=ip,
        port=port,
        token=os.environ.get("GAVIP_DEV_TOKEN") or secrets.token_urlsafe(24),
        portal_url=portal_url,
    )


def _portal(env: Mapping[str, str]) -> str:
    """Return the portal's address: it lives on the Hub's own host."""
    host = env.get("JUPYTERHUB_HOST", "")
    if not host and "JUPYTERHUB_PUBLIC_HUB_URL" in env:
        public = urlsplit(env["JUPYTERHUB_PUBLIC_HUB_URL"])
        host = f"{public.scheme}://{public.netloc}"
    return f"{host}/services/gavip/"


def _with_slashes(path: str) -> str:
    return "/" + path.strip("/") + "/" if path.strip("/") else "/"
