"""What every handler reaches: settings, services, sign-in, threads, templates."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from jinja2 import Environment

from avi_kernel.protocol.api import Health
from gavip_hub.config import Gavip
from gavip_hub.handlers.at_once import AtOnce, OneByOne, pushes, reads, streams, transfers, writes
from gavip_hub.handlers.feed import EventFeed
from gavip_hub.handlers.rendering import make_environment
from gavip_hub.handlers.sign_in import SignIn
from gavip_hub.hub.commands import CommandTokens
from gavip_hub.metrics import Metrics
from gavip_hub.services.again import AgainService
from gavip_hub.services.again_products import ProductAgainService
from gavip_hub.services.answers import AnswerService
from gavip_hub.services.attempts import AttemptService
from gavip_hub.services.authoring import AuthoringService
from gavip_hub.services.avi_pages import AviPageService
from gavip_hub.services.browsing import BrowsingService
from gavip_hub.services.checks import CheckService
from gavip_hub.services.devices import DeviceService
from gavip_hub.services.editing import EditingService
from gavip_hub.services.events import EventService
from gavip_hub.services.evictions import EvictionService
from gavip_hub.services.file_archives import FileArchiveService
from gavip_hub.services.file_moves import FileMoveService
from gavip_hub.services.files import FileService
from gavip_hub.services.finding import FindingService
from gavip_hub.services.grants import GrantService
from gavip_hub.services.images import ImageService
from gavip_hub.services.imports import ImportService
from gavip_hub.services.jobs import JobService
from gavip_hub.services.kept_packages import KeptPackages
from gavip_hub.services.mirrors import MirrorService
from gavip_hub.services.numbers import NumberService
from gavip_hub.services.offers import OfferService
from gavip_hub.services.opening import OpeningService
from gavip_hub.services.policies import PolicyService
from gavip_hub.services.previews import Previews
from gavip_hub.services.product_making import ProductMaker
from gavip_hub.services.products import ProductService
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.proposals import MemoryProposals
from gavip_hub.services.provenance import ProvenanceService
from gavip_hub.services.pushes import PushService
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.readers import ReaderService
from gavip_hub.services.rebuilds import RebuildService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.results import ResultService
from gavip_hub.services.servers import ServerService
from gavip_hub.services.shares import ShareService
from gavip_hub.services.showing import Showing
from gavip_hub.services.simulations import SimulationService
from gavip_hub.services.standings import StandingService
from gavip_hub.services.templates import TemplateService
from gavip_hub.services.workflows import WorkflowService
from gavip_hub.services.working_copies import WorkingCopyService
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.git_http import GitHttp
from gavip_hub.threads import Threads

PREFIX = "/services/gavip"
GIT_AT_ONCE = 12


@dataclass(frozen=True, kw_only=True)
class Services:
    """The deciding layer, as handlers see it."""

    jobs: JobService
    attempts: AttemptService
    results: ResultService
    provenance: ProvenanceService
    again: AgainService
    again_products: ProductAgainService
    offers: OfferService
    answers: AnswerService
    workflows: WorkflowService
    events: EventService
    releases: ReleaseService
    finding: FindingService
    avi_pages: AviPageService
    standings: StandingService
    checks: CheckService
    rebuilds: RebuildService
    packages: KeptPackages
    servers: ServerService
    opening: OpeningService
    reservations: ReservationService
    evictions: EvictionService
    quotas: QuotaService
    policies: PolicyService
    simulations: SimulationService
    proposals: MemoryProposals
    grants: GrantService
    devices: DeviceService
    files: FileService
    previews: Previews
    file_moves: FileMoveService
    file_archives: FileArchiveService
    numbers: NumberService
    projects: ProjectService
    browsing: BrowsingService
    imports: ImportService
    mirrors: MirrorService
    templates: TemplateService
    pushes: PushService
    authoring: AuthoringService
    working_copies: WorkingCopyService
    editing: EditingService
    images: ImageService
    products: ProductService
    shares: ShareService
    showing: Showing
    readers: ReaderService
    product_maker: ProductMaker


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """One for the whole process."""

    config: Gavip
    services: Services
    sign_in: SignIn
    command_tokens: CommandTokens
    database_threads: Threads
    file_threads: Threads
    """Apart from the database's, so that slow disks and readers keep nobody else waiting."""
    copying_threads: Threads
    """Apart from those: a copy of a large folder takes minutes."""
    publishing_threads: Threads
    """Apart from both: a large release takes a while, and no job waits for it."""
    feed: EventFeed
    health: Callable[[], Awaitable[Health]]
    notices: tuple[str, ...]
    """What everybody is told about this platform; found at the start, so that no page looks at its health for them."""
    disk: DiskSpace
    metrics: Metrics
    templates: Environment
    git: GitHttp
    reads: AtOnce = field(default_factory=reads)
    writes: AtOnce = field(default_factory=writes)
    streams: AtOnce = field(default_factory=streams)
    transfers: AtOnce = field(default_factory=transfers)
    pushes: OneByOne = field(default_factory=pushes)
    git_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(GIT_AT_ONCE))
    """Of clones and pushes of all."""


def make_templates() -> Environment:
    """Return the environment of the portal's pages; a name that a page misspells is an error."""
    return make_environment(PREFIX)
