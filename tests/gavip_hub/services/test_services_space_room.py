"""Room for what comes while it is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gavip_hub.clock import SystemClock
from gavip_hub.config import MB, load_config
from gavip_hub.exceptions import DiskFull, SpaceFull
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.space_room import SpaceRoom
from gavip_hub.storage.database import Database
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.marks import WriteMarks
from gavip_hub.storage.migrate import upgrade
from gavip_hub.storage.uploads import Uploads, upload_of


class Disk(DiskSpace):
    """Has so much free as a test says."""

    free = 10_000

    def free_mb(self) -> int:
        return self.free


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(root=tmp_path, reserve_mb=100)


@pytest.fixture
def room(tmp_path: Path, disk: Disk) -> Iterator[SpaceRoom]:
    config = load_config(
        tmp_path, quota={"memory_mb": 1, "cpu": 1.0, "jobs": 1, "servers": 1, "space_mb": 100}
    )
    upgrade(config.database_url)
    database = Database(url=config.database_url, pool_size=2)
    yield SpaceRoom(
        database=database,
        quotas=QuotaService(database=database, config=config),
        uploads=Uploads(root=tmp_path),
        disk=disk,
        marks=WriteMarks(root=tmp_path),
        clock=SystemClock(),
    )
    database.close()


def test_two_at_once_do_not_pass_the_quota_together(room: SpaceRoom) -> None:
    with room.taking("ada", [], size=60 * MB):
        with pytest.raises(SpaceFull), room.taking("ada", [], size=60 * MB):
            pass
        with room.taking("bob", [], size=60 * MB):
            pass
    with room.taking("ada", [], size=60 * MB):
        pass


def test_what_has_begun_in_pieces_counts_as_well(room: SpaceRoom, tmp_path: Path) -> None:
    begun = upload_of(owner="ada", parts=["a.bin"], size=60 * MB, sha256="0" * 64)
    Uploads(root=tmp_path).begin("ada", begun)
    with pytest.raises(SpaceFull), room.taking("ada", [], size=60 * MB):
        pass


def test_what_comes_of_unknown_length_ends_at_the_quota_and_not_before(room: SpaceRoom) -> None:
    with room.taking("ada", []) as taking:
        for _ in range(100):
            taking.count(MB)
        with pytest.raises(SpaceFull):
            taking.count(1)


def test_small_files_count_for_what_they_are(room: SpaceRoom) -> None:
    for _ in range(1000):
        room.came("ada", 5000)
    used, left = room.figures("ada", [])
    assert (used, left) == (4 * MB, 96 * MB)


def test_the_reserve_of_the_disk_is_kept(room: SpaceRoom, disk: Disk) -> None:
    disk.free = 120
    with room.taking("ada", [], size=20 * MB):
        pass
    with pytest.raises(DiskFull), room.taking("ada", [], size=21 * MB):
        pass


def test_who_wrote_is_measured_by_the_service(room: SpaceRoom, tmp_path: Path) -> None:
    room.came("ada", 1)
    room.went("bob")
    uploads = Uploads(root=tmp_path)
    assert uploads.who_wrote() == {"ada", "bob"}
    assert uploads.who_wrote() == set()
