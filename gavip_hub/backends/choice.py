"""What starts containers on this platform, as the settings say."""

from importlib.metadata import entry_points

from gavip_hub.backends.base import JobBackend
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.boxspec import API_PREFIX, HUB_PREFIX
from gavip_hub.backends.docker.remote import RemoteLauncher
from gavip_hub.backends.docker.remote_images import RemoteImages
from gavip_hub.backends.images import ImageSource, NoImages
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.runtime import steward_socket
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.config import Gavip
from gavip_hub.exceptions import BadRequest

BACKENDS = "gavip.backends"


def make_launcher(config: Gavip, report: SandboxReport) -> Launcher:
    """Return what starts containers on this machine."""
    if config.backend == "docker":
        return RemoteLauncher(path=steward_socket(config.root))
    upstreams = {API_PREFIX: config.service_url, HUB_PREFIX: config.hub_url}
    return BoxLauncher(root=config.root, sandbox=report, upstreams=upstreams)


def make_image_source(config: Gavip) -> ImageSource:
    """Return where the images come from that authors may download."""
    if config.backend != "docker":
        return NoImages(
            "This platform runs AVIs as processes of its machine, without images: it would need a Docker engine there, and "
            "`gavip up --docker`."
        )
    if not config.offer_images:
        return NoImages("This platform's operator gives no images away (setting `offer_images`).")
    return RemoteImages(path=steward_socket(config.root))


def make_backend(config: Gavip, launcher: Launcher) -> JobBackend:
    """Return the backend that the settings name.

    Raises
    ------
    BadRequest
        None has that name; the message lists those there are.
    """
    found = {entry.name: entry for entry in entry_points(group=BACKENDS)}
    if config.backend not in found:
        raise BadRequest(
            f"There is no backend {config.backend!r}; installed: {', '.join(sorted(found)) or 'none'}."
        )
    backend: JobBackend = found[config.backend].load()(launcher=launcher)
    return backend
