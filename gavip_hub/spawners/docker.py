"""Servers as containers of a Docker engine."""

from gavip_hub.spawners.launched import LaunchedSpawner


class DockerSpawner(LaunchedSpawner):
    """Starts servers as containers."""
