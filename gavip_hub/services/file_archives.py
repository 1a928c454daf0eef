"""A person's files and folders as one archive, made while it is sent."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gavip_hub.config import MB
from gavip_hub.domain.userpaths import checked
from gavip_hub.exceptions import BadParameter, NotFound, TooLarge
from gavip_hub.storage.beneath import open_in
from gavip_hub.storage.userfiles import Found, UserFiles, is_mostly_holes, size_of
from gavip_hub.storage.zipping import Packed, zipped

MOST_PACKED = 50_000
"""Files and folders of one archive."""
LARGEST_MB = 200_000
"""Of one archive: its reader would wait for hours."""
MOST_CHOSEN = 1000


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An archive that is made as it is read."""

    name: str
    pieces: Iterator[bytes]


class FileArchiveService:
    """Packs what lies in users' spaces; hidden files and links stay behind."""

    def __init__(self, *, files: UserFiles) -> None:
        self._files = files

    def pack(self, *, owner: str, paths: Sequence[str]) -> Archive:
        """Return an archive of files and folders that lie in one folder.

        Raises
        ------
        NotFound
            One of them is not there.
        TooLarge
            It would be too large, or one of the files is mostly holes.
        """
        if not 0 < len(paths) <= MOST_CHOSEN:
            raise BadParameter(f"Name 1 to {MOST_CHOSEN} files or folders.", field="path")
        chosen = [checked(path) for path in paths]
        names = [parts[-1] for parts in chosen]
        if len(set(names)) < len(names):
            raise BadParameter("Two of them have the same name: pack them one by one.", field="path")
        self._require_packable(owner, chosen)
        name = names[0] if len(names) == 1 else (chosen[0][-2] if len(chosen[0]) > 1 else "files")
        return Archive(name=f"{name}.zip", pieces=zipped(self._packed(owner, chosen)))

    def _require_packable(self, owner: str, chosen: Sequence[Sequence[str]]) -> None:
        """Look at all of it before the first byte is sent: afterwards nothing can be refused in words."""
        seen, size = 0, 0
        for parts in chosen:
            for found in self._all_of(owner, parts):
                seen, size = seen + 1, size + (0 if found.is_folder else found.size)
                if seen > MOST_PACKED:
                    raise TooLarge(
                        f"More than {MOST_PACKED} files and folders: download its folders one by one."
                    )
                if size > LARGEST_MB * MB:
                    raise TooLarge(f"More than {LARGEST_MB // 1000} GB: download its folders one by one.")
                if found.holes:
                    raise TooLarge(
                        f"{found.name} is mostly holes: leave it out, or pack it in your notebook server."
                    )

    def _all_of(self, owner: str, parts: Sequence[str]) -> Iterator[Found]:
        top = self._files.found(owner, parts)
        yield top
        if top.is_folder:
            yield from (step.found for step in self._files.below(owner, parts))

    def _packed(self, owner: str, chosen: Sequence[Sequence[str]]) -> Iterator[Packed]:
        for parts in chosen:
            name = parts[-1]
            with suppress(NotFound):  # gone since it was looked at
                top = self._files.found(owner, parts)
                if not top.is_folder:
                    with self._files.parent(owner, parts) as folder:
                        yield from _file(folder, name, top)
                    continue
                yield Packed(name=name, modified=top.modified)
                for step in self._files.below(owner, parts):
                    inner = "/".join((name, *step.parts))
                    if step.found.is_folder:
                        yield Packed(name=inner, modified=step.found.modified)
                    else:
                        yield from _file(step.folder, inner, step.found)


def _file(folder: int, name: str, found: Found) -> Iterator[Packed]:
    """Yield a file for as long as it is read; nothing where it is gone, or was made a thing of holes meanwhile."""
    with suppress(NotFound), open_in(folder, found.name) as file:
        if not is_mostly_holes(file):
            yield Packed(name=name, modified=found.modified, file=file, size=size_of(file))
