"""Locks of WebDAV: kept in memory, a bounded number a person, for a bounded time."""

import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from wsgidav.lock_man.lock_manager import generate_lock_token

from gavip_hub.dav.refusals import Refused

MOST_OF_ONE = 500
LONGEST_SECONDS = 3600.0
"""Who still works on a file asks again; one that was never freed is forgotten."""
LARGEST_OWNER = 2000
"""Bytes of what a client says of who holds a lock."""
Lock = dict[str, Any]


class Locks:
    """What the library keeps locks in; their paths begin with whose space they are in."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[str, Lock] = {}

    def open(self) -> None:
        """Begin; nothing is to be read."""

    def close(self) -> None:
        """End; nothing is kept."""

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def get(self, token: str) -> Lock | None:
        """Return a lock; None where there is none, or no more."""
        with self._lock:
            self._forget_old()
            return self._kept.get(token)

    def create(self, path: str, lock: Lock) -> Lock:
        """Keep a lock, and return it with its token and end."""
        with self._lock:
            self._forget_old()
            root = _root(path)
            owner = root.split("/")[1]
            if sum(1 for one in self._kept.values() if one["root"].split("/")[1] == owner) >= MOST_OF_ONE:
                raise Refused(
                    HTTPStatus.INSUFFICIENT_STORAGE, f"{MOST_OF_ONE} of your files are locked: free some."
                )
            if len(lock["owner"]) > LARGEST_OWNER:
                raise Refused(HTTPStatus.BAD_REQUEST, "The lock says too much of who holds it.")
            lock["root"], lock["token"] = root, generate_lock_token()
            self._kept[lock["token"]] = lock
            return self._prolong(lock, lock.get("timeout"))

    def refresh(self, token: str, *, timeout: float | None) -> Lock:
        """Have a lock end later."""
        with self._lock:
            return self._prolong(self._kept[token], timeout)

    def delete(self, token: str) -> bool:
        """Forget a lock; tell whether there was one."""
        with self._lock:
            return self._kept.pop(token, None) is not None

    def get_lock_list(
        self, path: str, *, include_root: bool, include_children: bool, token_only: bool
    ) -> list[Any]:
        """Return the locks of a path, of what is below it, or of both."""
        root = _root(path)
        with self._lock:
            self._forget_old()
            found = list(self._of(root, include_root=include_root, include_children=include_children))
        return [lock["token"] for lock in found] if token_only else found

    def _of(self, root: str, *, include_root: bool, include_children: bool) -> Iterator[Lock]:
        for lock in self._kept.values():
            is_child = lock["root"].startswith(f"{root.rstrip('/')}/")
            if (include_root and lock["root"] == root) or (include_children and is_child):
                yield lock

    def _prolong(self, lock: Lock, seconds: float | None) -> Lock:
        wanted = LONGEST_SECONDS if seconds is None or seconds < 0 else float(seconds)
        lock["timeout"] = max(1.0, min(wanted, LONGEST_SECONDS))
        lock["expire"] = time.time() + lock["timeout"]
        return lock

    def _forget_old(self) -> None:
        now = time.time()
        for token in [token for token, lock in self._kept.items() if lock["expire"] < now]:
            del self._kept[token]


def _root(path: str) -> str:
    return f"/{path.strip('/')}"
