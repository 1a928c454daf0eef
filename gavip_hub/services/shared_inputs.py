"""Files of products as inputs of jobs: the folder in which their readers find them tells which product they are a part of."""

from collections.abc import Sequence

from gavip_hub.domain.products import is_leaf
from gavip_hub.exceptions import NotFound
from gavip_hub.services.inputs import OpenShared, SharedFile
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.storage import products
from gavip_hub.storage.database import Database

_GROUPS = "groups"


def opening_shared(database: Database, shared: SharedFiles) -> OpenShared:
    """Return what opens, for a reader, a file below `shared/`, and tells its product."""

    def open_shared(reader: str, parts: Sequence[str]) -> SharedFile:
        file = shared.open(reader, parts)
        owner, leaf = _owner_and_leaf(parts)
        if not is_leaf(leaf):  # an operator's own folder
            return file, None
        with database.reading() as session:
            product = products.of_leaf(session, owner=owner, leaf=leaf)
        if product is None:  # it was taken back a moment ago
            file.close()
            raise NotFound(f"Nothing is shared with you under {'/'.join(parts)[:80]}.")
        return file, product

    return open_shared


def _owner_and_leaf(parts: Sequence[str]) -> tuple[str, str]:
    """Return them of a path as `shared/me/<owner>/<leaf>/…` or `shared/groups/<group>/<owner>/<leaf>/…`."""
    below = parts[3 if parts[1] == _GROUPS else 2 :]
    return (below[0], below[1]) if len(below) > 1 else ("", "")
