"""Locks in memory: bounded in number and time."""

import pytest
from wsgidav.dav_error import DAVError

from gavip_hub.dav import locks as kept
from gavip_hub.dav.locks import LONGEST_SECONDS, Lock, Locks


def lock(**changed: object) -> Lock:
    return {"owner": b"", "principal": "ada", "depth": "0", "timeout": 60, **changed}


def roots(locks: Locks, path: str, *, root: bool = True, children: bool = False) -> set[str]:
    found = locks.get_lock_list(path, include_root=root, include_children=children, token_only=False)
    return {one["root"] for one in found}


def test_locks_are_found_by_their_path_and_from_above() -> None:
    locks = Locks()
    for path in ("/ada/data/", "/ada/data/a", "/ada/database", "/bob/data"):
        locks.create(path, lock())
    assert roots(locks, "/ada/data") == {"/ada/data"}
    assert roots(locks, "/ada/data/", root=False, children=True) == {"/ada/data/a"}
    assert roots(locks, "/ada", children=True) == {"/ada/data", "/ada/data/a", "/ada/database"}


@pytest.mark.parametrize("timeout", [-1, None, 10 * LONGEST_SECONDS])
def test_no_lock_is_for_ever(timeout: float | None) -> None:
    assert Locks().create("/ada/a", lock(timeout=timeout))["timeout"] == LONGEST_SECONDS


def test_an_old_lock_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = Locks()
    token = locks.create("/ada/a", lock())["token"]
    assert locks.get(token)
    now = kept.time.time()
    monkeypatch.setattr(kept.time, "time", lambda: now + 61)
    assert locks.get(token) is None
    assert roots(locks, "/ada", children=True) == set()


def test_a_lock_is_prolonged_and_freed() -> None:
    locks = Locks()
    token = locks.create("/ada/a", lock())["token"]
    assert locks.refresh(token, timeout=120)["timeout"] == 120
    assert locks.delete(token)
    assert not locks.delete(token)


def test_one_person_has_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_OF_ONE", 3)
    locks = Locks()
    for number in range(3):
        locks.create(f"/ada/{number}", lock())
    with pytest.raises(DAVError):
        locks.create("/ada/more", lock())
    locks.create("/bob/more", lock())


def test_a_lock_says_little_of_who_holds_it() -> None:
    with pytest.raises(DAVError):
        Locks().create("/ada/a", lock(owner=b"x" * 3000))
