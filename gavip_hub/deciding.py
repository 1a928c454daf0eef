"""The deciding layer, made for the service's process: what its handlers ask."""

from typing import Any

from gavip_hub.backends.images import ImageSource
from gavip_hub.backends.programs import lacking
from gavip_hub.core import Core
from gavip_hub.domain.giving_way import Terms
from gavip_hub.handlers.context import PREFIX, Services
from gavip_hub.services.again import AgainService
from gavip_hub.services.again_products import ProductAgainService
from gavip_hub.services.answers import AnswerService
from gavip_hub.services.attempts import AttemptService
from gavip_hub.services.authoring import AuthoringService
from gavip_hub.services.checks import CheckService
from gavip_hub.services.devices import DeviceService
from gavip_hub.services.editing import EditingService
from gavip_hub.services.events import EventService
from gavip_hub.services.evictions import EvictionService
from gavip_hub.services.file_archives import FileArchiveService
from gavip_hub.services.file_moves import FileMoveService
from gavip_hub.services.files import FileService
from gavip_hub.services.images import ImageService
from gavip_hub.services.jobs import JobService
from gavip_hub.services.kept_packages import KeptPackages
from gavip_hub.services.known_inputs import KnownInputs
from gavip_hub.services.numbers import NumberService
from gavip_hub.services.offers import OfferService
from gavip_hub.services.opening import Hub, OpeningService
from gavip_hub.services.previews import Previews, Program
from gavip_hub.services.product_drafts import ProductDrafts
from gavip_hub.services.product_making import ProductMaker
from gavip_hub.services.products import ProductService
from gavip_hub.services.proposals import MemoryProposals
from gavip_hub.services.provenance import ProvenanceService
from gavip_hub.services.pushes import PushService
from gavip_hub.services.readers import ReaderService
from gavip_hub.services.rebuilds import RebuildService
from gavip_hub.services.recipes import ReaderOf
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.results import ResultService
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.services.shares import ShareService
from gavip_hub.services.showing import Showing
from gavip_hub.services.simulations import SimulationService
from gavip_hub.services.surroundings import Surroundings
from gavip_hub.services.workflows import WorkflowService
from gavip_hub.services.working_copies import WorkingCopyService
from gavip_hub.storage.blobs import Blobs
from gavip_hub.storage.git_drafts import Drafts
from gavip_hub.storage.image_archives import ImageArchives
from gavip_hub.storage.product_sources import Sources
from gavip_hub.storage.shared_trees import SharedTrees
from gavip_hub.storage.working_copies import WorkingCopies
from gavip_hub.threads import Threads


def make_services(core: Core, hub: Hub, threads: Threads, images: ImageSource, reader: Program) -> Services:
    """Make them on the core.

    Parameters
    ----------
    threads
        Of the database.
    images
        Where authors' images come from.
    reader
        Reads a stranger's file, to show it.
    """
    reservations, proposals = _reservations(core), _proposals(core)
    blobs = Blobs(root=core.config.root)
    trees = SharedTrees(root=core.config.root, blobs=blobs)
    showing = Showing(database=core.database, trees=trees, clock=core.clock)
    jobs, image_service = _jobs(core, proposals, showing.reader), _images(core, images)
    provenance = _provenance(core, showing.reader)
    return Services(
        jobs=jobs,
        attempts=AttemptService(database=core.database, config=core.config, clock=core.clock),
        results=ResultService(database=core.database, jobs=jobs, folders=core.folders),
        provenance=provenance,
        **_again(core, jobs, image_service, showing.reader),
        events=EventService(database=core.database),
        releases=core.releases,
        finding=core.finding,
        avi_pages=core.avi_pages,
        checks=_checks(core, jobs),
        rebuilds=RebuildService(database=core.database),
        packages=_packages(core),
        standings=core.standings,
        servers=core.servers,
        opening=_opening(core, reservations, hub, threads),
        reservations=reservations,
        evictions=_evictions(core),
        quotas=core.quotas,
        policies=core.policies,
        simulations=SimulationService(database=core.database, quotas=core.quotas),
        proposals=proposals,
        grants=core.grants,
        devices=DeviceService(clock=core.clock),
        **_file_services(core, reader),
        numbers=NumberService(database=core.database, quotas=core.quotas),
        **_authors(core),
        images=image_service,
        showing=showing,
        readers=_readers(core, hub, showing, threads),
        **_products(core, jobs, provenance, showing, blobs),
    )


def _proposals(core: Core) -> MemoryProposals:
    return MemoryProposals(database=core.database, quotas=core.quotas, config=core.config, clock=core.clock)


def _provenance(core: Core, reader: ReaderOf) -> ProvenanceService:
    return ProvenanceService(database=core.database, clock=core.clock, reader=reader, portal=PREFIX)


def _readers(core: Core, hub: Hub, showing: Showing, threads: Threads) -> ReaderService:
    return ReaderService(
        database=core.database, hub=hub, showing=showing, clock=core.clock, in_thread=threads
    )


def _file_services(core: Core, reader: Program) -> dict[str, Any]:
    """Return what shows and changes people's files, by its name in `Services`."""
    return {
        "files": _files(core),
        "previews": Previews(program=reader),
        "file_moves": _file_moves(core),
        "file_archives": FileArchiveService(files=core.files),
    }


def _authors(core: Core) -> dict[str, Any]:
    """Return what authors of AVIs work with, by its name in `Services`."""
    pushes = _pushes(core)
    drafts = Drafts(repositories=core.repositories, repository_mb=core.config.repository_mb)
    return {
        "projects": core.projects,
        "browsing": core.browsing,
        "imports": core.imports,
        "mirrors": core.mirrors,
        "templates": core.templates,
        "authoring": _authoring(core),
        "working_copies": _working_copies(core, pushes, drafts),
        "editing": _editing(core, pushes, drafts),
        "pushes": pushes,
    }


def _products(
    core: Core, jobs: JobService, provenance: ProvenanceService, showing: Showing, blobs: Blobs
) -> dict[str, Any]:
    """Return what makes and shares products, by its name in `Services`."""
    root, portal = core.config.root, f"{core.config.public_url}{PREFIX}"
    common: dict[str, Any] = {"database": core.database, "clock": core.clock}
    sources = Sources(root=root)
    reading: dict[str, Any] = {"sources": sources, "snapshot": provenance.snapshot, **common}
    making: dict[str, Any] = {"blobs": blobs, "showing": showing, "disk": core.disk}
    products = ProductService(
        quotas=core.quotas,
        drafts=ProductDrafts(jobs=jobs, **reading),
        page_of=lambda one: f"{portal}/products/{one}",
        **making,
        **common,
    )
    return {
        "products": products,
        "shares": ShareService(
            owned=products, showing=showing, link_of=lambda secret: f"{portal}/p/{secret}", **common
        ),
        "product_maker": ProductMaker(folders=core.folders, **making, **reading),
    }


def _images(core: Core, source: ImageSource) -> ImageService:
    archives = ImageArchives(root=core.config.root)
    return ImageService(source=source, archives=archives, disk=core.disk, clock=core.clock)


def _jobs(core: Core, proposals: MemoryProposals, reader: ReaderOf) -> JobService:
    return JobService(
        database=core.database,
        quotas=core.quotas,
        config=core.config,
        clock=core.clock,
        portal=PREFIX,
        board=core.board,
        held=core.disk.shortage,
        proposals=proposals,
        inputs=core.inputs,
        reader=reader,
    )


def _again(core: Core, jobs: JobService, images: ImageService, reader: ReaderOf) -> dict[str, Any]:
    """Return what runs again and finds what was run, by its name in `Services`."""
    known = KnownInputs(database=core.database, inputs=core.inputs)
    surroundings = Surroundings(
        config=core.config, image_of=core.releases.image_of, digest_of=images.digest_of
    )
    common: dict[str, Any] = {"database": core.database, "clock": core.clock, "reader": reader}
    offers = OfferService(
        inputs=known, surroundings=surroundings, config=core.config, portal=PREFIX, **common
    )
    releases = core.releases
    return {
        "again": AgainService(database=core.database, jobs=jobs, releases=releases, known=known),
        "again_products": ProductAgainService(jobs=jobs, releases=releases, known=known, **common),
        "offers": offers,
        "answers": AnswerService(releases=releases, offers=offers, **common),
        "workflows": WorkflowService(releases=releases),
    }


def _packages(core: Core) -> KeptPackages:
    return KeptPackages(
        database=core.database,
        wheels=core.wheels,
        environments=core.environment_folders,
        config=core.config,
        clock=core.clock,
    )


def _checks(core: Core, jobs: JobService) -> CheckService:
    return CheckService(
        database=core.database,
        jobs=jobs,
        folders=core.folders,
        quotas=core.quotas,
        config=core.config,
        clock=core.clock,
    )


def _authoring(core: Core) -> AuthoringService:
    return AuthoringService(
        projects=core.projects,
        releases=core.releases,
        templates=core.templates,
        repositories=core.repositories,
        config=core.config,
        clock=core.clock,
        changed=core.mirrors.want,
    )


def _working_copies(core: Core, pushes: PushService, drafts: Drafts) -> WorkingCopyService:
    return WorkingCopyService(
        database=core.database,
        quotas=core.quotas,
        projects=core.projects,
        pushes=pushes,
        repositories=core.repositories,
        copies=WorkingCopies(root=core.config.root, repositories=core.repositories),
        drafts=drafts,
        disk=core.disk,
        clock=core.clock,
    )


def _editing(core: Core, pushes: PushService, drafts: Drafts) -> EditingService:
    return EditingService(
        projects=core.projects,
        pushes=pushes,
        repositories=core.repositories,
        drafts=drafts,
        disk=core.disk,
        clock=core.clock,
    )


def _pushes(core: Core) -> PushService:
    return PushService(
        database=core.database,
        repositories=core.repositories,
        releases=core.releases,
        page_of=lambda avi: f"{core.config.public_url}{PREFIX}/avis/{avi}",
        pushed=core.mirrors.want,
        lacking=lambda image: lacking(core.config, image),
    )


def _files(core: Core) -> FileService:
    return FileService(
        database=core.database,
        quotas=core.quotas,
        files=core.files,
        shared=SharedFiles(root=core.config.root),
        uploads=core.uploads,
        disk=core.disk,
        clock=core.clock,
    )


def _file_moves(core: Core) -> FileMoveService:
    return FileMoveService(
        database=core.database,
        quotas=core.quotas,
        files=core.files,
        moves=core.moves,
        bin_=core.bin,
        aside=core.aside,
        disk=core.disk,
        clock=core.clock,
    )


def _reservations(core: Core) -> ReservationService:
    return ReservationService(
        database=core.database,
        quotas=core.quotas,
        servers=core.servers,
        past_runs=core.past_runs,
        clock=core.clock,
        held=core.disk.shortage,
    )


def _opening(core: Core, reservations: ReservationService, hub: Hub, threads: Threads) -> OpeningService:
    return OpeningService(servers=core.servers, reservations=reservations, hub=hub, in_thread=threads)


def _evictions(core: Core) -> EvictionService:
    config = core.config
    return EvictionService(
        database=core.database,
        quotas=core.quotas,
        servers=core.servers,
        board=core.board,
        clock=core.clock,
        terms=Terms(after=config.idle_when_short, notice=config.notice_when_short),
        held=core.disk.shortage,
    )
