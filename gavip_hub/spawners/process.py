"""Servers as processes of this machine, each in a box of its own."""

from gavip_hub.spawners.launched import LaunchedSpawner


class ProcessSpawner(LaunchedSpawner):
    """Starts servers as boxes."""
