"""The WebDAV library's own answers, but for moving and copying: one step each here, and names as they are."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from typing_extensions import override
from wsgidav import util
from wsgidav.request_server import RequestServer

from gavip_hub.dav.provider import SpaceProvider
from gavip_hub.dav.refusals import Environ, Refused

BLOCK = 256 * 1024
TARGET = "gavip.target"
"""Path of the `Destination`, which the gate has read: the library takes `?` and `;` in a name for something else."""
CONFIG: dict[str, Any] = {
    "block_size": BLOCK,
    "hotfixes": {"emulate_win32_lastmod": True},
    "honor_mtime_header": False,  # ours: the library's ETag would be the one before it
    "mutable_live_props": [],
    "add_header_MS_Author_Via": True,
}
StartResponse = Callable[..., Any]


class SpaceServer(RequestServer):  # type: ignore[misc]
    """Answers one request on a space."""

    def __init__(self, provider: SpaceProvider) -> None:
        super().__init__(provider)
        self.allow_propfind_infinite = False
        self._provider = provider

    @override
    def _copy_or_move(
        self, environ: Environ, start_response: StartResponse, is_move: bool
    ) -> Iterable[bytes]:
        path, target_path = environ["PATH_INFO"], environ.get(TARGET, "")
        source = self._provider.get_resource_inst(path, environ)
        if source is None:
            raise Refused(HTTPStatus.NOT_FOUND, "There is nothing to move or copy.")
        members = _members(environ, is_move=is_move)
        parent, target = self._targets(target_path, environ)
        self._evaluate_if_headers(source, environ)
        self._evaluate_if_headers(target, environ)
        self._require_unlocked(environ, source, parent, target, is_move=is_move)
        ways = (path.rstrip("/"), target_path.rstrip("/"))
        if util.is_equal_or_child_uri(*ways) or util.is_equal_or_child_uri(*reversed(ways)):
            raise Refused(
                HTTPStatus.FORBIDDEN, "Nothing is put into itself, or in the place of a folder that holds it."
            )
        instead = environ.get("HTTP_OVERWRITE", "T") == "T"
        if target is not None and not instead:
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "Something lies there already.")
        if is_move:
            source.move_to(target_path, instead=instead)
        else:
            source.copy_to(target_path, instead=instead, members=members)
        if target is not None:
            target.remove_all_locks(recursive=True)
        status = HTTPStatus.CREATED if target is None else HTTPStatus.NO_CONTENT
        start_response(f"{status.value} {status.phrase}", [("Content-Length", "0")])
        return [b""]

    def _targets(self, path: str, environ: Environ) -> tuple[Any, Any]:
        """Return the folder in which something is to lie, and what lies there now."""
        if not path:
            raise Refused(HTTPStatus.BAD_REQUEST, "The header Destination says where to.")
        if not path.strip("/"):
            raise Refused(HTTPStatus.FORBIDDEN, "Nothing takes the place of the whole space.")
        parent = self._provider.get_resource_inst(util.get_uri_parent(path.rstrip("/")), environ)
        if parent is None or not parent.is_collection:
            raise Refused(HTTPStatus.CONFLICT, "There is no folder to put it in: make that first.")
        return parent, self._provider.get_resource_inst(path, environ)

    def _require_unlocked(
        self, environ: Environ, source: Any, parent: Any, target: Any, *, is_move: bool
    ) -> None:
        if is_move:
            above = self._provider.get_resource_inst(
                util.get_uri_parent(environ["PATH_INFO"].rstrip("/")), environ
            )
            self._check_write_permission(source, "infinity", environ)
            self._check_write_permission(above, "0", environ)
        if target is None:
            self._check_write_permission(parent, "0", environ)
        self._check_write_permission(target, "infinity", environ)


def _members(environ: Environ, *, is_move: bool) -> bool:
    """Tell whether what lies in a folder goes along."""
    depth = environ.get("HTTP_DEPTH", "infinity")
    if depth not in {"0", "infinity"} or (is_move and depth == "0" and environ["PATH_INFO"].endswith("/")):
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The header Depth is infinity, or 0 for a copy of a folder alone."
        )
    return bool(depth == "infinity")
