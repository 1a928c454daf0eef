"""Users' files are measured while they grow; who has too many starts nothing more that writes, and can make room."""

import pytest

from gavip_hub.exceptions import SpaceFull
from gavip_hub.services.spaces import PART_OF_TIME, SpaceMeasurer

ALLOWED_MB = 8


@pytest.fixture
def measurer(desk):
    desk.config.quota = {**desk.config.quota, "space_mb": ALLOWED_MB}
    return SpaceMeasurer(
        database=desk.database, user_spaces=desk.spaces, config=desk.config, clock=desk.clock
    )


@pytest.fixture
def fill(desk):
    def write(mb, owner="ann", name="big"):
        folder = desk.config.root / "users" / owner / "data"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * (mb << 20))

    return write


def used_mb(desk, owner="ann"):
    return desk.quotas.user_pool(owner=owner, groups=[]).space_used_mb


def test_files_are_measured_and_shown_beside_what_is_allowed(desk, measurer, fill):
    fill(3)
    measurer.look()
    pool = desk.quotas.user_pool(owner="ann", groups=[])
    assert (pool.space_used_mb, pool.space_mb) == (3, ALLOWED_MB)


def test_who_has_too_many_opens_no_interface_and_is_told_the_figures(desk, measurer, fill):
    fill(ALLOWED_MB + 1)
    measurer.look()
    with pytest.raises(SpaceFull, match=r"take 9 MB, and your quota allows 8 MB .* notebook server"):
        desk.admit()
    with pytest.raises(SpaceFull):
        desk.wish()
    assert desk.used() == 0


def test_the_notebook_server_opens_since_files_are_deleted_there(desk, measurer, fill):
    fill(ALLOWED_MB + 1)
    measurer.look()
    assert desk.admit(name="", options={})


def test_who_deleted_some_is_measured_again_though_nothing_of_theirs_is_open(desk, measurer, fill):
    fill(ALLOWED_MB + 1)
    measurer.look()
    fill(1)
    desk.clock.advance(60)
    measurer.look()
    assert desk.admit()


def test_what_was_written_until_the_end_is_measured(desk, measurer, fill):
    ledger_id = desk.admit().ledger_id
    measurer.look()
    fill(2)
    desk.servers.close(ledger_id)
    desk.clock.advance(60)
    measurer.look()
    assert used_mb(desk) == 2


def test_where_nothing_is_open_nothing_is_measured(desk, measurer, fill):
    measurer.look()
    fill(2)
    desk.clock.advance(60)
    measurer.look()
    measurer.look()
    assert used_mb(desk) == 0


def test_a_space_that_takes_long_rests_and_is_not_forgotten(desk, measurer, fill, monkeypatch):
    desk.admit()
    measure = desk.spaces.used_mb
    monkeypatch.setattr(desk.spaces, "used_mb", lambda owner: desk.clock.advance(10) or measure(owner))
    measurer.look()
    fill(2)
    measurer.look()
    assert used_mb(desk) == 0
    desk.clock.advance(10 / PART_OF_TIME + 1)
    measurer.look()
    assert used_mb(desk) == 2


def test_one_users_files_are_no_others_limit(desk, measurer, fill):
    fill(ALLOWED_MB + 1)
    measurer.look()
    assert desk.admit(owner="bob")


def test_holes_take_nothing_and_links_lead_nowhere(desk, measurer, fill, tmp_path):
    fill(1)
    folder = desk.config.root / "users/ann/data"
    with (folder / "hole").open("wb") as file:
        file.truncate(1 << 33)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * (9 << 20))
    (folder / "link").symlink_to(outside)
    measurer.look()
    assert used_mb(desk) == 1
