"""What decides and what keeps: made for the service's process, and for that of the Hub's hooks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gavip_hub.clock import Clock, SystemClock
from gavip_hub.config import Gavip
from gavip_hub.services.avi_pages import AviPageService
from gavip_hub.services.board import Board
from gavip_hub.services.browsing import BrowsingService
from gavip_hub.services.clocks import ClockService
from gavip_hub.services.environments import EnvironmentService
from gavip_hub.services.finding import FindingService
from gavip_hub.services.grants import GrantService
from gavip_hub.services.imports import ImportService
from gavip_hub.services.inputs import InputFiles
from gavip_hub.services.mirrors import MirrorService
from gavip_hub.services.past import PastRuns
from gavip_hub.services.policies import PolicyService
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.servers import ServerService
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.services.shared_inputs import opening_shared
from gavip_hub.services.standings import StandingService
from gavip_hub.services.templates import TemplateService
from gavip_hub.storage.aside import Aside
from gavip_hub.storage.bin import Bin
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.environments import Environments, Wheels
from gavip_hub.storage.file_moves import FileMoves
from gavip_hub.storage.git_outside import OutsideGit
from gavip_hub.storage.migrate import require_current
from gavip_hub.storage.rendering import TemplateRenderer
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.uploads import Uploads
from gavip_hub.storage.userfiles import UserFiles
from gavip_hub.storage.userspace import AttemptFolders, UserSpaces

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
HOOK_CONNECTIONS = 2


@dataclass(frozen=True, kw_only=True)
class Core:
    """What decides and what keeps, with no process around it: the service's, and that of the Hub's hooks."""

    config: Gavip
    clock: Clock
    database: Database
    folders: AttemptFolders
    spaces: UserSpaces
    uploads: Uploads
    inputs: InputFiles
    files: UserFiles
    aside: Aside
    moves: FileMoves
    bin: Bin
    quotas: QuotaService
    repositories: Repositories
    wheels: Wheels
    environment_folders: Environments
    environments: EnvironmentService
    releases: ReleaseService
    finding: FindingService
    avi_pages: AviPageService
    standings: StandingService
    projects: ProjectService
    browsing: BrowsingService
    outside_git: OutsideGit
    imports: ImportService
    mirrors: MirrorService
    templates: TemplateService
    servers: ServerService
    policies: PolicyService
    board: Board
    disk: DiskSpace
    clocks: ClockService
    grants: GrantService
    past_runs: PastRuns


def make_core(config: Gavip, *, connections: int, clock: Clock | None = None) -> Core:
    """Make the services that need neither Hub nor containers.

    Raises
    ------
    gavip_hub.exceptions.WrongSchema
        The database is not this program's.
    """
    clock = clock or SystemClock()
    database = Database(url=config.database_url, pool_size=connections)
    require_current(database.engine)
    quotas = QuotaService(database=database, config=config)
    spaces = UserSpaces(root=config.root)
    repositories = Repositories(root=config.root)
    disk = DiskSpace(root=config.root, reserve_mb=config.disk_reserve_mb)
    common: dict[str, Any] = {"database": database, "config": config, "clock": clock}
    releases = ReleaseService(repositories=repositories, **common)
    projects = ProjectService(repositories=repositories, **common)
    wheels, environment_folders = _packages(config)
    environments = EnvironmentService(database=database, environments=environment_folders)
    return Core(
        config=config,
        clock=clock,
        database=database,
        spaces=spaces,
        **_file_stores(config.root, database),
        quotas=quotas,
        repositories=repositories,
        wheels=wheels,
        environment_folders=environment_folders,
        environments=environments,
        releases=releases,
        finding=FindingService(database=database, repositories=repositories, clock=clock),
        avi_pages=AviPageService(database=database, config=config),
        standings=StandingService(database=database),
        projects=projects,
        browsing=BrowsingService(projects=projects, repositories=repositories),
        **_other_places(repositories, projects, common),
        templates=_templates(repositories, projects, releases, common),
        servers=ServerService(
            quotas=quotas, releases=releases, environments=environments, spaces=spaces, disk=disk, **common
        ),
        policies=PolicyService(database=database, clock=clock, default=config.policy),
        board=Board(clock=clock),
        disk=disk,
        grants=GrantService(database=database, releases=releases, quotas=quotas, clock=clock),
        clocks=ClockService(database=database, clock=clock, boot=BOOT_ID.read_text().strip()),
        past_runs=PastRuns(database=database, clock=clock),
    )


def _templates(
    repositories: Repositories, projects: ProjectService, releases: ReleaseService, common: dict[str, Any]
) -> TemplateService:
    return TemplateService(
        repositories=repositories,
        projects=projects,
        releases=releases,
        renderer=TemplateRenderer(root=common["config"].root, repositories=repositories),
        **common,
    )


def _file_stores(root: Path, database: Database) -> dict[str, Any]:
    """Return what users' files are read and written by, by its name in `Core`."""
    files, aside = UserFiles(root=root), Aside(root=root)
    moves = FileMoves(root=root, files=files, aside=aside)
    bin_ = Bin(root=root, files=files, moves=moves, aside=aside)
    inputs = InputFiles(files=files, shared=opening_shared(database, SharedFiles(root=root)))
    stores: dict[str, Any] = {"folders": AttemptFolders(root=root), "uploads": Uploads(root=root)}
    return stores | {"files": files, "aside": aside, "moves": moves, "bin": bin_, "inputs": inputs}


def _packages(config: Gavip) -> tuple[Wheels, Environments]:
    """Return where packages are kept, and the folders that are made of them."""
    wheels = Wheels(root=config.root)
    return wheels, Environments(root=config.root, wheels=wheels, most_mb=config.environment_mb)


def _other_places(
    repositories: Repositories, projects: ProjectService, common: dict[str, Any]
) -> dict[str, Any]:
    """Return what asks other places for repositories, by its name in `Core`."""
    git = OutsideGit(repository_mb=common["config"].repository_mb)
    asking = {"repositories": repositories, "projects": projects, "git": git, **common}
    return {"outside_git": git, "imports": ImportService(**asking), "mirrors": MirrorService(**asking)}


def server_ledger(config: Gavip) -> ServerService:
    """Return what the Hub's hooks ask, on the service's database."""
    return make_core(config, connections=HOOK_CONNECTIONS).servers
