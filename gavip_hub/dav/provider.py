"""A user's space as the WebDAV library asks for it."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote

from typing_extensions import override
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.util import parse_time_string

from avi_kernel.protocol.api import Profile
from gavip_hub.dav.refusals import Environ, Refused, plainly
from gavip_hub.dav.streams import Checksum, Content, Piece, modified
from gavip_hub.domain.userpaths import checked, writable
from gavip_hub.exceptions import BadParameter, NotFound
from gavip_hub.services.space_room import SpaceRoom
from gavip_hub.storage.space_reads import SpaceReader
from gavip_hub.storage.space_writes import Incoming, SpaceWriter
from gavip_hub.storage.userfiles import Found

PERSON = "gavip.profile"
OPENED = "gavip.opened"
"""An `ExitStack` that the gate closes when the answer was sent or broke off."""
_LAST_TIME = 253_402_300_799.0
"""End of the year 9999."""
_BYTES = "application/octet-stream"
_NEW = Found(name="", is_folder=False, size=0, modified=0.0, etag="new")

log = logging.getLogger("gavip.webdav")


@dataclass(frozen=True, kw_only=True)
class Space:
    """What reads, writes and finds room."""

    reader: SpaceReader
    writer: SpaceWriter
    room: SpaceRoom


class SpaceProvider(DAVProvider):  # type: ignore[misc]
    """Each person's own space; whose it is, the gate has found out.

    Parameters
    ----------
    mount
        The path below which it is served, with no slash at the end.
    """

    def __init__(self, *, space: Space, mount: str, lock_manager: object) -> None:
        super().__init__()
        self.space = space
        self.set_share_path("/")
        self.set_mount_path(mount)
        self.set_lock_manager(lock_manager)

    @override
    @plainly
    def get_resource_inst(self, path: str, environ: Environ) -> "SpaceFolder | SpaceFile | None":
        """Return what lies at a path; None where nothing does that is shown."""
        try:
            parts = checked(path, whole_space=True)
        except BadParameter:
            return None
        profile: Profile = environ[PERSON]
        try:
            found = self.space.reader.status(profile.name, parts)
        except NotFound:
            found = None
        return None if found is None else resource(parts, environ, found)

    @override
    def ref_url_to_path(self, ref_url: str) -> str:
        """Return the path of a key of locks, which begins with whose it is."""
        return "/" + unquote(ref_url.strip("/").partition("/")[2])


class _InSpace:
    """What files and folders have in common."""

    path: str
    environ: Environ
    provider: SpaceProvider
    found: Found
    get_preferred_path: Callable[[], str]

    @property
    def parts(self) -> tuple[str, ...]:
        return checked(self.path, whole_space=True)

    @property
    def space(self) -> Space:
        return self.provider.space

    @property
    def profile(self) -> Profile:
        found: Profile = self.environ[PERSON]
        return found

    @property
    def owner(self) -> str:
        return self.profile.name

    def get_ref_url(self) -> str:
        """Return what locks are kept under: begins with whose space it is, as paths of two people may be alike."""
        return f"/{quote(self.owner)}{quote(self.get_preferred_path())}"

    def get_last_modified(self) -> float | None:
        """Return when it was changed last, as far as dates of HTTP go: a file may say that it is of a million years hence."""
        return min(max(self.found.modified, 0.0), _LAST_TIME)

    def prevent_locking(self) -> bool:
        """Tell whether nothing here is to be locked, as nobody may write it."""
        try:
            writable(self.path)
        except BadParameter:
            return True
        return False

    @plainly
    def set_last_modified(self, _path: str, time_stamp: str, *, dry_run: bool) -> bool:
        """Set when it was changed last, as Windows does once it has written."""
        parts, seconds = writable(self.path), parse_time_string(str(time_stamp))
        if seconds is None:
            raise BadParameter("The time is no date of HTTP, as `Sat, 29 Oct 2022 19:43:31 GMT`.")
        if not dry_run:
            self.space.writer.set_modified(self.owner, parts, seconds)
        return True

    @plainly
    def handle_delete(self) -> bool:
        parts = writable(self.path)
        self.require_unlocked()
        self.space.writer.remove(self.owner, parts)
        self.provider.lock_manager.remove_all_locks_from_url(self.get_ref_url(), recursive=True)
        self.space.room.went(self.owner)
        log.info("%s removed %s", self.owner, "/".join(parts))
        return True

    @plainly
    def move_to(self, path: str, *, instead: bool) -> None:
        """Move it with all that is in it; what lies there goes to the bin for it where that was asked for."""
        source, target = writable(self.path), writable(path)
        self.space.writer.move(self.owner, source, target, instead=instead)
        self.provider.lock_manager.remove_all_locks_from_url(self.get_ref_url(), recursive=True)
        self.space.room.went(self.owner)
        log.info("%s moved %s to %s", self.owner, "/".join(source), "/".join(target))

    @plainly
    def copy_to(self, path: str, *, instead: bool, members: bool) -> None:
        """Copy it, with all that is shown in it or without."""
        if self.parts[:1] == ("shared",):
            raise BadParameter("What is shared is copied by downloading it, or in a notebook.")
        target = writable(path)
        with self.space.room.taking(self.owner, self.profile.groups) as taking:
            self.space.writer.copy(
                self.owner, self.parts, target, instead=instead, counts=taking.count, members=members
            )
            self.space.room.came(self.owner, taking.come)
        log.info("%s copied %s to %s", self.owner, self.path, "/".join(target))

    def require_unlocked(self) -> None:
        """Refuse where somebody holds a lock of it, or of what is in it."""
        self.provider.lock_manager.check_write_permission(
            url=self.get_ref_url(),
            depth="infinity",
            token_list=self.environ["wsgidav.ifLockTokenList"],
            principal=self.owner,
        )


class SpaceFolder(_InSpace, DAVCollection):  # type: ignore[misc]
    """A folder."""

    def __init__(self, path: str, environ: Environ, found: Found) -> None:
        super().__init__(path, environ)
        self.found = found

    @override
    def get_last_modified(self) -> float | None:
        return super().get_last_modified() if self.found.modified else None

    @override
    @plainly
    def get_member_list(self) -> "list[SpaceFolder | SpaceFile]":
        found = self.space.reader.entries(self.owner, self.parts)
        return [resource((*self.parts, one.name), self.environ, one) for one in found]

    @override
    def get_member_names(self) -> list[str]:
        return [member.name for member in self.get_member_list()]

    @override
    @plainly
    def get_used_bytes(self) -> int | None:
        return None if self.parts else self.space.room.figures(self.owner, self.profile.groups)[0]

    @override
    @plainly
    def get_available_bytes(self) -> int | None:
        return None if self.parts else self.space.room.figures(self.owner, self.profile.groups)[1]

    @override
    @plainly
    def create_collection(self, name: str) -> None:
        parts = writable("/".join([*self.parts, name]))
        self.space.writer.make_folder(self.owner, parts)
        log.info("%s made the folder %s", self.owner, "/".join(parts))

    @override
    @plainly
    def create_empty_resource(self, name: str) -> "SpaceFile":
        """Return a file that is to come; one that is locked before it has come is made now."""
        parts = writable("/".join([*self.parts, name]))
        if "HTTP_IF_MATCH" in self.environ:
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "There is no such file any more.")
        made = SpaceFile(f"/{'/'.join(parts)}", self.environ, _NEW)
        if self.environ["REQUEST_METHOD"] == "LOCK":
            made.require_unlocked()
            made.begin_write()
            made.take_its_place()
        return made


class SpaceFile(_InSpace, DAVNonCollection):  # type: ignore[misc]
    """A file, or one that is to come."""

    def __init__(self, path: str, environ: Environ, found: Found) -> None:
        super().__init__(path, environ)
        self.found = found
        self._incoming: Incoming | None = None
        self._taking = ExitStack()

    @override
    def get_content_length(self) -> int:
        return self.found.size

    @override
    def get_etag(self) -> str:
        return self.found.etag

    @override
    def support_etag(self) -> bool:
        return True

    @override
    def support_ranges(self) -> bool:
        return True

    def finalize_headers(self, _environ: Environ, headers: list[tuple[str, str]]) -> None:
        """Say that it is bytes to be kept, whatever its name says: nothing of it is to run where the portal is."""
        headers[:] = [one for one in headers if one[0] != "Content-Type"]
        headers += [("Content-Type", _BYTES), ("Content-Disposition", "attachment")]

    @override
    @plainly
    def get_content(self) -> Content:
        file = self.environ[OPENED].enter_context(self.space.reader.open(self.owner, self.parts))
        return Content(file, self.found.size)

    @override
    @plainly
    def begin_write(self, *, content_type: str | None = None) -> Piece:
        parts = writable(self.path)
        told = self.environ.get("CONTENT_LENGTH")
        keeping = self.space.room.taking(self.owner, self.profile.groups, size=int(told) if told else None)
        taking = self._taking.enter_context(keeping)
        self._incoming = self.space.writer.begin(taking.count)
        self._taking.callback(self._incoming.forget)
        log.debug("%s writes %s (%s)", self.owner, "/".join(parts), content_type)
        return Piece(self._incoming, self.take_its_place, Checksum.of(self.environ))

    @plainly
    def take_its_place(self) -> None:
        """Put what came whole where it belongs."""
        if self._incoming is None:
            return
        with self._taking:
            self.found = self.space.writer.put(
                self.owner,
                self.parts,
                self._incoming,
                is_new=self.environ.get("HTTP_IF_NONE_MATCH") == "*",
                instead_of=self.found.etag if "HTTP_IF_MATCH" in self.environ else "",
                modified=modified(self.environ),
            )
            self.space.room.came(self.owner, self.found.size)
        self._incoming = None
        log.info("%s wrote %s of %d bytes", self.owner, "/".join(self.parts), self.found.size)

    @override
    @plainly
    def end_write(self, *, with_errors: bool) -> None:
        """Forget what did not come whole."""
        if with_errors:
            self._taking.close()


def resource(parts: tuple[str, ...], environ: Environ, found: Found) -> SpaceFolder | SpaceFile:
    """Return what the library asks of a file or folder that was found."""
    path = f"/{'/'.join(parts)}"
    return SpaceFolder(path, environ, found) if found.is_folder else SpaceFile(path, environ, found)
