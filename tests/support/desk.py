"""The services around the ledger of servers, with those who wait for room."""

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub.config import Gavip
from gavip_hub.domain.giving_way import Terms
from gavip_hub.services.board import Board
from gavip_hub.services.events import EventService
from gavip_hub.services.evictions import EvictionService
from gavip_hub.services.grants import GrantService
from gavip_hub.services.past import PastRuns
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.reservations import ReservationService
from gavip_hub.services.servers import ServerService
from gavip_hub.storage import migrate
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.userspace import UserSpaces
from gavip_hub.testing import ManualClock
from tests.support.avis import star_counter
from tests.support.environments import environments_of

STARS = {"release": "stars/1.0"}


class Desk:
    """The services around the ledger of servers, and two releases."""

    def __init__(self, url, root):
        migrate.upgrade(url)
        self.clock = ManualClock()
        self.database = Database(url=url)
        self.config = Gavip(
            data_root=str(root),
            platform_memory_mb=1200,
            platform_cpu=8.0,
            archive_url="https://archive.test/tap",
        )
        self.quotas = QuotaService(database=self.database, config=self.config)
        common = {"database": self.database, "config": self.config, "clock": self.clock}
        self.releases = ReleaseService(repositories=Repositories(root=root), **common)
        self.spaces = UserSpaces(root=root)
        self.servers = ServerService(
            quotas=self.quotas,
            releases=self.releases,
            environments=environments_of(self.database, root),
            spaces=self.spaces,
            disk=DiskSpace(root=root, reserve_mb=0),
            **common,
        )
        self.grants = GrantService(
            database=self.database, releases=self.releases, quotas=self.quotas, clock=self.clock
        )
        self.reservations = ReservationService(
            database=self.database,
            quotas=self.quotas,
            servers=self.servers,
            past_runs=PastRuns(database=self.database, clock=self.clock),
            clock=self.clock,
            held=lambda: self.short,
        )
        self.board = Board(clock=self.clock)
        self.evictions = self.new_evictions()
        self.short = ""
        """Why nothing may start."""
        self.events = EventService(database=self.database)
        for avi, visibility in (("stars", "public"), ("secret", "private")):
            star_counter(root / "users/dora" / avi)
            request = ReleaseSubmit(folder=avi, avi=avi, version="1.0", visibility=visibility)
            self.releases.submit(submitter="dora", request=request)

    def new_evictions(self, **terms):
        """Return what a service that starts anew has."""
        return EvictionService(
            database=self.database,
            quotas=self.quotas,
            servers=self.servers,
            board=self.board,
            clock=self.clock,
            terms=Terms(**{"after": 300, "notice": 90, **terms}),
            held=lambda: self.short,
        )

    def open(self, owner="ann"):
        """Let an interface be open, and return its row."""
        admitted = self.admit(owner=owner)
        self.servers.mark_ready(owner=owner, name="stars")
        return admitted.ledger_id

    def admit(self, owner="ann", name="stars", options=STARS):
        return self.servers.admit(owner=owner, groups=[], server_name=name, user_options=options)

    def used(self):
        return self.quotas.platform_pool().memory_used_mb

    def wish(self, owner="ann"):
        return self.servers.wish_for(owner=owner, groups=[], avi="stars")

    def told(self, owner="ann"):
        return [event.data["state"] for event in self.events.events_since(owner=owner, after=0)]
