"""Jobs as processes of this machine, each in a box under a shim that outlives the service."""

from gavip_hub.backends.launched import LaunchedBackend


class ProcessBackend(LaunchedBackend):
    """Starts jobs as boxes."""
