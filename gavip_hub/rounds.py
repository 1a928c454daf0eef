"""What the service looks at again and again, beside the scheduler."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from gavip_hub.backends.comparing import Comparer
from gavip_hub.backends.launched import Launcher
from gavip_hub.core import Core
from gavip_hub.handlers.context import ServiceContext, Services
from gavip_hub.hub.client import HubClient
from gavip_hub.scheduler.caretaker import Caretaker
from gavip_hub.scheduler.outside import OutsideWork
from gavip_hub.scheduler.rounds import Rounds
from gavip_hub.services.builds import BuildService
from gavip_hub.services.comparing import ComparisonMaker
from gavip_hub.services.estimates import EstimateService
from gavip_hub.services.file_moves import FileMoveService
from gavip_hub.services.images import ImageService
from gavip_hub.services.keeping import ProvenanceKeeper
from gavip_hub.services.lifecycle import JobLifecycle
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.spaces import SpaceMeasurer
from gavip_hub.services.surroundings import Surroundings
from gavip_hub.storage.blobs import Blobs
from gavip_hub.thread_groups import ThreadGroups
from gavip_hub.threads import Threads

TEND_SECONDS = 2.0
FORECAST_SECONDS = 15.0
MAKE_ROOM_SECONDS = 5.0
BUILD_SECONDS = 1.0
MEASURE_SECONDS = 20.0
OUTSIDE_SECONDS = 1.0
IMAGES_SECONDS = 1.0
PROVENANCE_SECONDS = 1.0
PRODUCT_SECONDS = 1.0
SHOWING_SECONDS = 0.5
MEMBERS_SECONDS = 1.0
"""The Hub is asked of one group that something is shared with, where there is any."""
BIN_SECONDS = 5.0
TIDY_SECONDS = 3600.0
SERVERS_SECONDS = 60.0
"""Each look asks the Hub, which is one process and not to be asked often, for a list of all servers."""


def make_rounds(
    core: Core,
    context: ServiceContext,
    *,
    hub: HubClient,
    launcher: Launcher,
    thread_groups: ThreadGroups,
    bwrap: Path | None,
) -> dict[str, Rounds]:
    """Return what is looked at again and again, by its name in `Service`.

    Parameters
    ----------
    bwrap
        The bubblewrap that works here, for what reads strangers' files.
    """
    services, threads = context.services, thread_groups.round_threads
    caretaker, evictor = _caretaker(core, services=services, hub=hub, launcher=launcher, threads=threads)
    return {
        "keeper": _keeper(core, services.reservations, threads),
        "caretaker": caretaker,
        "evictor": evictor,
        "forecaster": _forecaster(core, threads),
        "measurer": _measurer(core, thread_groups.measuring_threads),
        "builder": _builder(core, services, thread_groups.building_threads),
        # On the one thread of builds: none of them is half-way while files are removed.
        "tidier": _tidier(core, services, thread_groups.building_threads),
        "outside": _outside(core, threads, thread_groups.outside_threads, context.pushes.turn),
        **_provenance(core, services, thread_groups, bwrap),
        "image_maker": _image_maker(core, services.images, thread_groups.image_threads),
        **_products(core, services, thread_groups),
        "bin_keeper": _bin_keeper(core, services.file_moves, thread_groups.bin_threads),
    }


def _keeper_of_provenance(core: Core, services: Services) -> ProvenanceKeeper:
    return ProvenanceKeeper(
        database=core.database,
        inputs=core.inputs,
        folders=core.folders,
        config=core.config,
        clock=core.clock,
        surroundings=Surroundings(
            config=core.config, image_of=core.releases.image_of, digest_of=services.images.digest_of
        ),
        reader=services.showing.reader,
        snapshot=services.provenance.snapshot,
    )


def _provenance(
    core: Core, services: Services, thread_groups: ThreadGroups, bwrap: Path | None
) -> dict[str, Rounds]:
    """Return what keeps what results come of, and compares those of jobs that were run again."""
    noter, closer = _keeper_of_provenance(core, services), _keeper_of_provenance(core, services)
    comparer = _comparison_maker(core, services, bwrap)

    def every_second(task: str, look: Callable[[], None], threads: Threads) -> Rounds:
        return Rounds(task=task, act=lambda: threads(look), every=PROVENANCE_SECONDS, clock=core.clock)

    slow = thread_groups.provenance_threads
    return {
        "provenance_noter": every_second(
            "keeping what jobs start with", noter.note, thread_groups.round_threads
        ),
        "provenance_closer": every_second("hashing inputs of jobs", closer.look, slow),
        "comparer": every_second("comparing jobs that were run again", comparer.look, slow),
    }


def _comparison_maker(core: Core, services: Services, bwrap: Path | None) -> ComparisonMaker:
    return ComparisonMaker(
        database=core.database,
        folders=core.folders,
        blobs=Blobs(root=core.config.root),
        comparer=Comparer(root=core.config.root, bwrap=bwrap),
        clock=core.clock,
        reader=services.showing.reader,
    )


def _products(core: Core, services: Services, thread_groups: ThreadGroups) -> dict[str, Rounds]:
    """Return what makes products, what ends shares, and what learns who is in the groups that they are shared with."""
    making = Rounds(
        task="making products",
        act=lambda: thread_groups.product_threads(services.product_maker.look),
        every=PRODUCT_SECONDS,
        clock=core.clock,
    )
    ending = Rounds(
        task="taking back what was shared for a time",
        act=lambda: thread_groups.round_threads(services.showing.look),
        every=SHOWING_SECONDS,
        clock=core.clock,
    )
    reading = Rounds(
        task="looking at members of groups",
        act=services.readers.look,
        every=MEMBERS_SECONDS,
        clock=core.clock,
    )
    return {"product_maker": making, "share_ender": ending, "group_reader": reading}


def _bin_keeper(core: Core, moves: FileMoveService, threads: Threads) -> Rounds:
    return Rounds(
        task="removing what was deleted",
        act=lambda: threads(moves.look_after_bins),
        every=BIN_SECONDS,
        clock=core.clock,
    )


def _image_maker(core: Core, images: ImageService, threads: Threads) -> Rounds:
    return Rounds(
        task="making archives of images",
        act=lambda: threads(images.look),
        every=IMAGES_SECONDS,
        clock=core.clock,
    )


def _builder(core: Core, services: Services, threads: Threads) -> Rounds:
    builds = BuildService(
        database=core.database,
        jobs=services.jobs,
        folders=core.folders,
        wheels=core.wheels,
        environments=core.environment_folders,
        config=core.config,
        disk=core.disk,
    )

    async def build_and_check() -> None:
        try:
            await threads(builds.look)
        finally:  # a build's trouble is no check's
            await threads(services.checks.look)

    return Rounds(
        task="building environments and checking releases",
        act=build_and_check,
        every=BUILD_SECONDS,
        clock=core.clock,
    )


def _tidier(core: Core, services: Services, threads: Threads) -> Rounds:
    return Rounds(
        task="removing packages that nobody uses",
        act=lambda: threads(services.packages.look),
        every=TIDY_SECONDS,
        clock=core.clock,
    )


def _outside(
    core: Core,
    threads: Threads,
    long_threads: Threads,
    turn: Callable[[str], AbstractAsyncContextManager[None]],
) -> Rounds:
    work = OutsideWork(
        imports=core.imports, mirrors=core.mirrors, threads=threads, long_threads=long_threads, turn=turn
    )
    return Rounds(
        task="importing and mirroring repositories", act=work.look, every=OUTSIDE_SECONDS, clock=core.clock
    )


def _measurer(core: Core, threads: Threads) -> Rounds:
    measurer = SpaceMeasurer(
        database=core.database,
        user_spaces=core.spaces,
        config=core.config,
        clock=core.clock,
        uploaded=lambda: core.uploads.who_wrote() | core.moves.who_wrote(),
    )
    return Rounds(
        task="measuring users' spaces",
        act=lambda: threads(measurer.look),
        every=MEASURE_SECONDS,
        clock=core.clock,
    )


def _forecaster(core: Core, threads: Threads) -> Rounds:
    lifecycle = JobLifecycle(database=core.database, quotas=core.quotas, clock=core.clock)
    estimates = EstimateService(
        database=core.database,
        lifecycle=lifecycle,
        policies=core.policies,
        past_runs=core.past_runs,
        board=core.board,
        clock=core.clock,
    )
    return Rounds(
        task="estimating when jobs start",
        act=lambda: threads(estimates.refresh),
        every=FORECAST_SECONDS,
        clock=core.clock,
    )


def _keeper(core: Core, reservations: ReservationService, threads: Threads) -> Rounds:
    def tend() -> None:
        core.clocks.look()
        reservations.tend()

    return Rounds(
        task="keeping places of those who wait",
        act=lambda: threads(tend),
        every=TEND_SECONDS,
        clock=core.clock,
    )


def _caretaker(
    core: Core,
    *,
    services: Services,
    hub: HubClient,
    launcher: Launcher,
    threads: Threads,
) -> tuple[Rounds, Rounds]:
    """Return the rounds that look after all servers, and those that make room where somebody waits."""
    caretaker = Caretaker(
        hub=hub,
        ledger=services.opening,
        evictions=services.evictions,
        boxes=launcher,
        open_ids=core.servers.open_ids,
        in_thread=threads,
        clock=core.clock,
        idle_timeout=core.config.idle_timeout,
    )

    async def look_after() -> None:
        await threads(core.clocks.look)
        await caretaker.round()

    async def make_room() -> None:
        await threads(core.clocks.look)
        await caretaker.make_room()

    return (
        Rounds(task="looking after servers", act=look_after, every=SERVERS_SECONDS, clock=core.clock),
        Rounds(task="making room", act=make_room, every=MAKE_ROOM_SECONDS, clock=core.clock),
    )
