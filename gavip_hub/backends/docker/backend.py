"""Jobs as containers of a Docker engine."""

from gavip_hub.backends.launched import LaunchedBackend


class DockerBackend(LaunchedBackend):
    """Starts jobs as containers."""

    launches_at_once = 4  # a start keeps the engine busy for half a second of a processor
