import os
import stat
import threading

import pytest

from gavip_hub.exceptions import NotFound, Unavailable
from gavip_hub.storage import beneath
from gavip_hub.storage.beneath import MOST_DEEP, open_file
from gavip_hub.storage.userspace import AttemptFolders, UserSpaces
from tests.support.folders import nest
from tests.support.needs import missing

JOB = {"owner": "ann", "job": "j1", "attempt": 1}


@pytest.fixture
def spaces(tmp_path):
    return UserSpaces(root=tmp_path)


@pytest.fixture
def folders(tmp_path):
    return AttemptFolders(root=tmp_path)


@pytest.fixture
def secret(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "secret.txt").write_text("secret")
    return folder


def test_places_are_made_and_belong_to_their_user(spaces, tmp_path):
    places = spaces.places(owner="ann", avi="stars")
    assert places.user_space == str(tmp_path / "users/ann")
    assert places.avi_folder == str(tmp_path / "users/ann/avis/stars")
    assert stat.S_IMODE((tmp_path / "users/ann").stat().st_mode) == 0o700
    assert spaces.places(owner="ann", avi="stars") == places


@pytest.mark.parametrize("owner", ["..", ".", "", "a/b", "../root", "a\0b"])
def test_a_name_that_leads_elsewhere_makes_nothing(spaces, tmp_path, owner):
    with pytest.raises(NotFound):
        spaces.places(owner=owner)
    assert not (tmp_path / "users").exists() or not list((tmp_path / "users").iterdir())


def test_a_link_in_place_of_a_folder_is_not_followed(spaces, secret, tmp_path):
    spaces.places(owner="ann")
    (tmp_path / "users/ann/avis").symlink_to(secret)
    with pytest.raises(Unavailable, match="avis must be a folder"):
        spaces.places(owner="ann", avi="stars")
    assert not (secret / "stars").exists()


def test_a_file_in_place_of_a_folder_is_told(spaces, tmp_path):
    spaces.places(owner="ann")
    (tmp_path / "users/ann/avis").write_text("mine")
    with pytest.raises(Unavailable, match="remove what lies there"):
        spaces.places(owner="ann", avi="stars")


def test_a_finished_attempt_lies_in_its_users_space_and_nobody_writes_there(folders, tmp_path):
    running = folders.create(**JOB)
    (running / "results/plot.png").write_bytes(b"png")
    (running / "results/plot.png").chmod(0o4777)
    folders.finished(**JOB)
    kept = tmp_path / "users/ann/jobs/j1/1"
    assert not running.exists()
    assert stat.S_IMODE((kept / "results/plot.png").stat().st_mode) == 0o444
    assert stat.S_IMODE(kept.stat().st_mode) == 0o755


def test_a_finished_attempt_becomes_the_platforms_own(folders, tmp_path):
    if os.geteuid() != 0:
        missing("root", "only root gives files away")
    running = folders.create(**JOB)
    (running / "results/x").write_text("x")
    for path in (running, running / "results", running / "results/x"):
        os.chown(path, 30001, 30001)
    folders.finished(**JOB)
    kept = tmp_path / "users/ann/jobs/j1/1"
    assert {path.stat().st_uid for path in (kept, kept / "results", kept / "results/x")} == {0}


def test_finishing_twice_does_no_harm(folders, tmp_path):
    folders.create(**JOB)
    folders.finished(**JOB)
    folders.finished(**JOB)
    assert (tmp_path / "users/ann/jobs/j1/1/results").is_dir()


def test_taking_an_attempt_over_follows_no_link(folders, secret):
    running = folders.create(**JOB)
    (running / "results/link").symlink_to(secret / "secret.txt")
    (running / "folder").symlink_to(secret)
    before = (secret / "secret.txt").stat()
    folders.finished(**JOB)
    after = (secret / "secret.txt").stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def test_a_file_is_found_before_and_after_the_move(folders):
    running = folders.create(**JOB)
    (running / "log.txt").write_text("line")
    assert folders.read(**JOB, parts=["log.txt"], limit=100) == b"line"
    folders.finished(**JOB)
    assert folders.read(**JOB, parts=["log.txt"], limit=100) == b"line"


def test_a_file_larger_than_asked_for_is_not_read(folders):
    running = folders.create(**JOB)
    (running / "outcome.json").write_bytes(b"x" * 101)
    assert folders.read(**JOB, parts=["outcome.json"], limit=100) is None
    assert len(folders.read(**JOB, parts=["outcome.json"], limit=101)) == 101


def test_a_sparse_file_of_any_size_costs_nothing(folders):
    running = folders.create(**JOB)
    with (running / "outcome.json").open("wb") as file:
        file.truncate(1 << 40)
    assert folders.read(**JOB, parts=["outcome.json"], limit=100) is None


@pytest.mark.parametrize("kind", ["link", "folder link", "pipe", "folder", "socket"])
def test_only_true_files_are_opened(folders, secret, kind):
    running = folders.create(**JOB)
    parts = ["results", "x"]
    match kind:
        case "link":
            (running / "results/x").symlink_to(secret / "secret.txt")
        case "folder link":
            (running / "away").symlink_to(secret)
            parts = ["away", "secret.txt"]
        case "pipe":
            os.mkfifo(running / "results/x")
        case "folder":
            (running / "results/x").mkdir()
        case "socket":
            os.mknod(running / "results/x", stat.S_IFSOCK | 0o600)
    with pytest.raises(NotFound):
        folders.open(**JOB, parts=parts)


@pytest.mark.parametrize("parts", [["..", "secret.txt"], ["results", "../../x"], ["/etc/passwd"], [""]])
def test_a_path_that_leads_out_is_refused(folders, parts):
    folders.create(**JOB)
    with pytest.raises(NotFound):
        folders.open(**JOB, parts=parts)


def test_a_folder_that_is_swapped_for_a_link_again_and_again_never_gives_the_secret(tmp_path, secret):
    (tmp_path / "now").mkdir()
    (tmp_path / "now/secret.txt").write_text("harmless")
    (tmp_path / "link").symlink_to(secret)
    stop, swaps = threading.Event(), []

    def swap():
        while not stop.is_set():
            (tmp_path / "now").rename(tmp_path / "true")
            (tmp_path / "link").rename(tmp_path / "now")
            (tmp_path / "now").rename(tmp_path / "link")
            (tmp_path / "true").rename(tmp_path / "now")
            swaps.append(1)

    def look():
        try:
            with open_file(tmp_path, ["now", "secret.txt"]) as file:
                return file.read()
        except NotFound:
            return None

    swapper = threading.Thread(target=swap)
    swapper.start()
    found = {look() for _ in range(3000)}
    stop.set()
    swapper.join()
    assert found <= {b"harmless", None}
    assert len(swaps) > 10


def test_removing_a_job_removes_its_folders_and_nothing_behind_a_link(folders, secret, tmp_path):
    folders.create(**JOB)
    folders.finished(**JOB)
    (tmp_path / "users/ann/jobs/j1/1/away").symlink_to(secret)
    folders.remove(owner="ann", job="j1", attempts=1)
    folders.remove(owner="ann", job="j1", attempts=1)
    assert not (tmp_path / "users/ann/jobs/j1").exists()
    assert (secret / "secret.txt").exists()


def test_folders_too_deep_cost_an_attempt_nothing_but_themselves(folders, tmp_path):
    running = folders.create(**JOB)
    (running / "log.txt").write_text("line")
    (running / "results/plot.png").write_bytes(b"png")
    nest(running / "results", 3000)
    assert f"more than {MOST_DEEP} deep" in folders.finished(**JOB)
    kept = tmp_path / "users/ann/jobs/j1/1"
    assert (kept / "log.txt").read_text() == "line"
    assert (kept / "results/plot.png").read_bytes() == b"png"
    assert (kept / "results" / "/".join("d" * (MOST_DEEP - 2))).is_dir()


def test_a_mass_of_files_costs_an_attempt_neither_log_nor_results(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(beneath, "MOST_ENTRIES", 10)
    running = folders.create(**JOB)
    for number in range(50):
        (running / f"a{number}").mkdir()
    (running / "log.txt").write_text("line")
    (running / "results/plot.png").write_bytes(b"png")
    assert "more than 10 files" in folders.finished(**JOB)
    kept = tmp_path / "users/ann/jobs/j1/1"
    assert (kept / "log.txt").exists()
    assert (kept / "results/plot.png").exists()
    assert len(list(kept.rglob("*"))) == 10


@pytest.mark.parametrize("finished", [True, False])
def test_what_is_deep_is_removed_all_the_same(folders, tmp_path, finished):
    nest(folders.create(**JOB), 3000)
    if finished:
        folders.finished(**JOB)
    folders.remove(owner="ann", job="j1", attempts=1)
    assert folders.unfinished() == []
    assert not (tmp_path / "users/ann/jobs/j1").exists()


def test_removing_follows_no_link(folders, secret):
    running = folders.create(**JOB)
    (running / "away").symlink_to(secret)
    (running / "results/away").symlink_to(secret)
    folders.remove(owner="ann", job="j1", attempts=1)
    assert (secret / "secret.txt").exists()


def test_folders_that_forbid_their_own_removal_are_removed(folders):
    running = folders.create(**JOB)
    (running / "a/b/c").mkdir(parents=True)
    for name in ("a/b/c", "a/b", "a"):
        (running / name).chmod(0)
    folders.remove(owner="ann", job="j1", attempts=1)
    assert not running.exists()
