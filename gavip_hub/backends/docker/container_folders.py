"""The platform's own folder of each container: what it is, found again by any process."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from avi_kernel.protocol.boxes import SPEC_FILE, BoxSpec
from gavip_hub.backends.binds import write_etc
from gavip_hub.backends.boxspec import BoxPlaces, box_spec
from gavip_hub.backends.docker import scratch
from gavip_hub.backends.leftovers import Leftovers, remove_with_sockets
from gavip_hub.backends.records import create_private, read_record
from gavip_hub.backends.runtime import CONTAINERS, runtime_folder, socket_folder
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import Unavailable
from gavip_hub.trees import remove_path

SPARE = "gavip-spare-"
"""Begins the name of a container that nobody has claimed yet."""


class ContainerFolders:
    """One folder a container below one data root.

    Parameters
    ----------
    root
        The data root.
    upstreams
        URL path prefix -> `http://host:port` of Hub and service, as the doorkeeper reaches them.
    """

    def __init__(self, *, root: Path, upstreams: Mapping[str, str]) -> None:
        self._root = root
        self._folder = root / CONTAINERS
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._leftovers = Leftovers(folder=self._folder)
        self._upstreams = upstreams

    def of(self, name: str) -> Path:
        """Return where a container's folder is, or would be."""
        return self._folder / name

    def box(self, name: str) -> BoxSpec | None:
        """Return what a container is; None where there is none."""
        return read_record(self.of(name) / SPEC_FILE, BoxSpec)

    def names(self) -> set[str]:
        """Return the names of all that have a folder, claimed or not."""
        return {path.name for path in self._folder.iterdir() if not path.name.startswith(".")}

    def make(self, spec: ContainerSpec, *, uid: int | None) -> BoxSpec:
        """Write the folder of a new container, whole or not at all.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            There is one of this name, or it cannot be written.
        """
        new = self._leftovers.new()
        new.mkdir(mode=0o700)
        sockets = socket_folder(runtime_folder(self._root), uid=uid)
        try:
            ways = sockets / "ways"
            ways.mkdir()
            ways.chmod(0o711)  # the container's user connects to what lies in it, and can change nothing
            write_etc(new / "etc", uid=os.getuid() if uid is None else uid, user=spec.owner)
            box = self._describe(spec, sockets=sockets, uid=uid)
            create_private(new / SPEC_FILE, box.model_dump_json())
            new.rename(self.of(spec.name))
        except OSError as error:
            for left in (new, sockets):
                with suppress(OSError):
                    remove_path(left)
            why = "exists already" if self.of(spec.name).exists() else f"cannot be prepared ({error})"
            raise Unavailable(f"The container {spec.name} {why}.") from error
        return box

    def claim(self, spare: str, spec: ContainerSpec) -> BoxSpec:
        """Make the folder of a container that nobody had that of this one: the rename is the claim.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            Somebody else claimed it, or it cannot be written.
        """
        known = self.box(spare)
        if known is None:
            raise Unavailable(f"{spare} is gone.")
        run_dir = self.of(spec.name)
        try:
            self.of(spare).rename(run_dir)
            box = self._describe(spec, sockets=Path(known.socket_dir), uid=known.uid)
            partial = run_dir / f".{SPEC_FILE}.new"
            create_private(partial, box.model_dump_json())
            partial.replace(run_dir / SPEC_FILE)
            # Into the very files that the container sees.
            write_etc(run_dir / "etc", uid=os.getuid() if box.uid is None else box.uid, user=spec.owner)
        except OSError as error:
            raise Unavailable(f"{spare} cannot be claimed: {error}") from error
        return box

    def remove(self, name: str) -> None:
        """Remove a container's folder, its scratch and its sockets; no harm when they are gone."""
        # Renamed first: a removal that is cut short leaves nothing that looks like a container.
        doomed = self._leftovers.new()
        with suppress(FileNotFoundError):  # another process removed it too
            self.of(name).rename(doomed)
            _remove(doomed)

    def clear_unfinished(self) -> None:
        """Remove what was cut short while it was made or removed: a token lies in it."""
        self._leftovers.clear(_remove)

    def _describe(self, spec: ContainerSpec, *, sockets: Path, uid: int | None) -> BoxSpec:
        places = BoxPlaces(run_dir=self.of(spec.name), socket_dir=sockets, uid=uid, image=True)
        return box_spec(spec, places=places, upstreams=self._upstreams)


def _remove(run_dir: Path) -> None:
    scratch.free(run_dir)
    remove_with_sockets(run_dir)
