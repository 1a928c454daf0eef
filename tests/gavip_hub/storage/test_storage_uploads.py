"""Files on their way: begun, gone on with and given up, whoever does what at the same moment."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from gavip_hub.exceptions import Conflict, NotFound
from gavip_hub.storage import uploads as module
from gavip_hub.storage.uploads import KEPT_SECONDS, Uploads, upload_of

UPLOAD = upload_of(owner="ann", parts=("data", "new.csv"), size=6)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    (tmp_path / "users" / "ann").mkdir(parents=True)
    return Uploads(root=tmp_path)


@pytest.fixture
def half(uploads: Uploads) -> Uploads:
    uploads.begin("ann", UPLOAD)
    uploads.append("ann", UPLOAD, offset=0, content=b"sta")
    return uploads


@pytest.fixture
def whole(half: Uploads) -> Uploads:
    half.append("ann", UPLOAD, offset=3, content=b"rs\n")
    return half


def kept(root: Path) -> set[str]:
    return {path.suffix for path in (root / "uploads" / "ann").iterdir()}


def in_the_space(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in (root / "users").rglob("*") if path.is_file()]


def age(root: Path, *, seconds: float) -> None:
    for path in (root / "uploads" / "ann").iterdir():
        at = path.stat().st_mtime - seconds
        os.utime(path, (at, at))


def before_it_is_locked(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something be done once, between opening a file and locking it."""
    lock, done = module._lock, []

    def locks(*args: object) -> None:
        if not done:
            done.append(act)
            act()
        lock(*args)

    monkeypatch.setattr(module, "_lock", locks)


def test_what_is_not_finished_is_told_with_how_far_it_is(half: Uploads, tmp_path: Path) -> None:
    age(tmp_path, seconds=60)
    later = upload_of(owner="ann", parts=("later.csv",), size=9)
    half.begin("ann", later)
    told = half.unfinished("ann")
    assert [(one.upload, one.come) for one in told] == [(later, 0), (UPLOAD, 3)]
    assert told[1].touched == (tmp_path / "uploads" / "ann" / f"{UPLOAD.id}.part").stat().st_mtime
    assert half.unfinished("bob") == []


def test_what_is_not_described_or_no_more_there_is_passed_over(half: Uploads, tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "ann"
    (folder / "x.json").write_text("[")
    (folder / "y.part").write_text("")
    (folder / "z.json").symlink_to(tmp_path / "nowhere")
    assert [one.upload for one in half.unfinished("ann")] == [UPLOAD]


def test_what_is_too_old_to_be_kept_is_not_told_even_before_it_is_removed(
    half: Uploads, tmp_path: Path
) -> None:
    age(tmp_path, seconds=KEPT_SECONDS + 1)
    assert half.unfinished("ann") == []
    with pytest.raises(NotFound):
        half.get("ann", UPLOAD.id)
    half.remove_old()
    assert kept(tmp_path) == set()


def test_what_is_old_and_written_at_this_moment_stays(half: Uploads, tmp_path: Path) -> None:
    age(tmp_path, seconds=KEPT_SECONDS + 1)
    with half._opened("ann", UPLOAD.id):
        half.remove_old()
    assert kept(tmp_path) == {".json", ".part"}


def test_what_is_begun_again_while_the_old_is_looked_for_stays(half: Uploads, tmp_path: Path, monkeypatch):
    age(tmp_path, seconds=KEPT_SECONDS + 1)
    before_it_is_locked(monkeypatch, lambda: half.begin("ann", UPLOAD))
    half.remove_old()
    assert [one.come for one in half.unfinished("ann")] == [3]


def test_the_old_is_looked_for_once_a_minute(half: Uploads, tmp_path: Path) -> None:
    half.remove_old()
    age(tmp_path, seconds=KEPT_SECONDS + 1)
    half.remove_old()
    assert kept(tmp_path) == {".json", ".part"}


def test_what_is_given_up_leaves_nothing_and_can_be_begun_anew(half: Uploads, tmp_path: Path) -> None:
    half.abandon("ann", UPLOAD.id)
    assert kept(tmp_path) == set()
    assert half.begin("ann", UPLOAD) == 0


def test_what_was_killed_before_it_moved_is_given_up_and_never_said_to_be_there(
    whole: Uploads, tmp_path: Path
) -> None:
    (tmp_path / "uploads" / "ann" / f"{UPLOAD.id}.done").write_text("6")
    whole.abandon("ann", UPLOAD.id)
    with pytest.raises(NotFound):
        whole.come("ann", UPLOAD.id)


def test_what_of_which_nothing_came_is_given_up(half: Uploads, tmp_path: Path) -> None:
    (tmp_path / "uploads" / "ann" / f"{UPLOAD.id}.part").unlink()
    half.abandon("ann", UPLOAD.id)
    assert half.unfinished("ann") == []


def test_giving_up_waits_for_the_piece_that_is_being_written(
    half: Uploads, tmp_path: Path, monkeypatch
) -> None:
    piece = ExitStack()
    piece.enter_context(half._opened("ann", UPLOAD.id))
    monkeypatch.setattr(module.time, "sleep", lambda _: piece.close())
    half.abandon("ann", UPLOAD.id)
    assert kept(tmp_path) == set()


def test_what_is_being_put_in_its_place_is_not_given_up(whole: Uploads, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    put = whole._put

    def gives_up_meanwhile(*args: object) -> object:
        with pytest.raises(Conflict, match="try again"):
            whole.abandon("ann", UPLOAD.id)
        return put(*args)

    monkeypatch.setattr(whole, "_put", gives_up_meanwhile)
    whole.finish("ann", UPLOAD)
    assert in_the_space(tmp_path) == [b"stars\n"]


@pytest.mark.parametrize("act", ["append", "finish", "abandon"])
def test_what_was_given_up_and_begun_anew_since_it_was_opened_is_left_alone(
    whole: Uploads, tmp_path: Path, monkeypatch, act: str
) -> None:
    def anew() -> None:
        whole.abandon("ann", UPLOAD.id)
        whole.begin("ann", UPLOAD)

    acts: dict[str, Callable[[], object]] = {
        "append": lambda: whole.append("ann", UPLOAD, offset=6, content=b""),
        "finish": lambda: whole.finish("ann", UPLOAD),
        "abandon": lambda: whole._forget_old("ann", UPLOAD.id),
    }
    before_it_is_locked(monkeypatch, anew)
    if act == "abandon":
        acts[act]()
    else:
        with pytest.raises(NotFound):
            acts[act]()
    assert in_the_space(tmp_path) == []


def test_who_opened_it_before_it_moved_adds_nothing_to_the_file_in_the_space(
    whole: Uploads, tmp_path: Path, monkeypatch
) -> None:
    before_it_is_locked(monkeypatch, lambda: whole.finish("ann", UPLOAD))
    with pytest.raises(Conflict, match="at this moment"):
        whole.begin("ann", UPLOAD)
    assert in_the_space(tmp_path) == [b"stars\n"]
    assert whole.come("ann", UPLOAD.id) == (6, 6)
