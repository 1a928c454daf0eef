"""Where tests keep packages and the environments that are made of them."""

from pathlib import Path

from gavip_hub.services.environments import EnvironmentService
from gavip_hub.storage.database import Database
from gavip_hub.storage.environments import Environments, Wheels


def environments_of(database: Database, root: Path) -> EnvironmentService:
    """Return what tells the packages of releases."""
    folders = Environments(root=root, wheels=Wheels(root=root), most_mb=100)
    return EnvironmentService(database=database, environments=folders)
