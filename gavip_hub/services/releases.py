"""Publish releases of AVIs, and tell who may run which."""

import logging
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import AviView, ReleaseSubmit, ReleaseView
from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.manifest import DEFAULT_IMAGE, ReleaseSpec
from gavip_hub.clock import Clock
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.addresses import interface_url
from gavip_hub.exceptions import BadManifest, BadRequest, Conflict, NotFound
from gavip_hub.services.memory_checks import require_memory_expressions
from gavip_hub.storage import releases
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.repositories import Repositories, Tree, split_source
from gavip_hub.storage.schema import Avi, Release

READY = "READY"
BUNDLED_OWNER = "gavip"
RESERVED = frozenset({"notebook"})
"""How people see the server that the Hub leaves unnamed."""
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
_SLUG_LENGTH = range(2, 21)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Publication:
    """A folder's copy on its way to become a release."""

    tree: Tree
    spec: ReleaseSpec
    avi: str
    version: str
    visibility: str
    submitter: str
    owner: str
    operator: bool


class ReleaseService:
    """The catalogue; each method changes the database in one transaction, if at all.

    Parameters
    ----------
    repositories
        Where the code of releases is kept.
    """

    def __init__(
        self, *, database: Database, repositories: Repositories, config: Gavip, clock: Clock
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._config = config
        self._clock = clock
        self._images: dict[tuple[str, str], str] = {}

    def catalogue(self, *, viewer: str) -> list[AviView]:
        """Return the AVIs of which the viewer may run a release, by title."""
        newest: dict[str, AviView] = {}
        with self._database.reading() as session:
            for release, avi in releases.visible(session, viewer=viewer):
                if avi.name not in newest:
                    newest[avi.name] = self._avi_view(avi, release, viewer)
        return sorted(newest.values(), key=lambda view: view.title.lower())

    def avi(self, *, viewer: str, name: str) -> AviView:
        """Return an AVI of which the viewer may run a release."""
        with self._database.reading() as session:
            release, avi = self._newest(session, viewer=viewer, avi=name)
            return self._avi_view(avi, release, viewer)

    def versions(self, *, viewer: str, avi: str) -> list[ReleaseView]:
        """Return the releases of an AVI that the viewer may run, newest first."""
        with self._database.reading() as session:
            found = [
                release_view(release) for release, _ in releases.visible(session, viewer=viewer, avi=avi)
            ]
        if not found:
            raise NotFound(f"There is no AVI {avi!r} that is open to you.")
        return found

    def get(self, *, viewer: str, avi: str, version: str | None = None) -> ReleaseView:
        """Return a release that the viewer may run; by default the newest."""
        with self._database.reading() as session:
            release, _ = self._newest(session, viewer=viewer, avi=avi, version=version)
            return release_view(release)

    def checkout_of(self, avi: str, commit: str) -> Path:
        """Return the read-only tree of a release."""
        return self._repositories.checkout(avi, commit)

    def image_of(self, avi: str, version: str) -> str:
        """Return the name of the image that a release runs in; a release never changes, so it is looked up once."""
        if (known := self._images.get((avi, version))) is None:
            with self._database.reading() as session:
                release = releases.one(session, avi=avi, version=version)
            declared = release.spec.get("manifest", {}) if release else {}
            known = self._images[avi, version] = declared.get("image", DEFAULT_IMAGE)
        return known

    def submit(self, *, submitter: str, request: ReleaseSubmit, operator: bool = False) -> ReleaseView:
        """Publish a folder: the submitter's own, or for an operator any of this machine.

        The same content under the same version is the same release, however often it is published.

        Raises
        ------
        BadManifest
            The folder is no valid AVI.
        Conflict
            The version exists with other content, or the AVI is somebody else's.
        """
        root, parts = self._source(submitter, request.folder, operator=operator)
        _check_name(request.avi, request.version)
        tree = self._repositories.take_in(root, parts)
        try:
            publication = _Publication(
                tree=tree,
                spec=self._spec_of(tree),
                avi=request.avi,
                version=request.version,
                visibility=request.visibility,
                submitter=submitter,
                owner=submitter,
                operator=operator,
            )
            return self._publish(publication)
        finally:
            self._repositories.discard(tree)

    def publish_bundled(self, folder: Path, *, avi: str, version: str) -> ReleaseView:
        """Publish an AVI that comes with the platform; changed content becomes `<version>+<n>`."""
        _check_name(avi, version)
        tree = self._repositories.take_in(folder, [])
        try:
            with self._database.reading() as session:
                known = releases.of_digest(session, avi=avi, digest=tree.digest)
                taken = set(releases.versions(session, avi))
            if known is not None:
                return release_view(known)
            publication = _Publication(
                tree=tree,
                spec=self._spec_of(tree),
                avi=avi,
                version=_free_version(version, taken),
                visibility=releases.PUBLIC,
                submitter=BUNDLED_OWNER,
                owner=BUNDLED_OWNER,
                operator=True,
            )
            return self._publish(publication)
        finally:
            self._repositories.discard(tree)

    def _spec_of(self, tree: Tree) -> ReleaseSpec:
        spec = _read_spec(tree)
        known = [name for name in self._config.images if name != NOTEBOOK_IMAGE]
        if spec.manifest.image not in known:
            raise BadManifest(
                f"The image {spec.manifest.image!r} is none of this platform's: {', '.join(known)}.",
                field="image",
            )
        return spec

    def _publish(self, new: _Publication) -> ReleaseView:
        # Two who publish the same AVI at once follow one another, and the database is free while git works.
        with self._repositories.held(new.avi):
            with self._database.reading() as session:
                known = self._known(session, new)
            if known is not None:
                return known
            now = self._clock.now()
            commit = self._repositories.commit(
                new.tree, avi=new.avi, version=new.version, author=new.submitter, at=now
            )
            return self._record(new, commit, now)

    def _record(self, new: _Publication, commit: str, now: datetime) -> ReleaseView:
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{new.avi}")
            # Looked at again: the lock on the repository holds on this machine only.
            known = self._known(session, new)
            if known is not None:
                return known
            avi = self._avi_row(session, new)
            avi.title = new.spec.manifest.title or new.avi
            avi.summary = new.spec.manifest.summary
            avi.visibility = new.visibility
            release = Release(
                id=new_id("r", now=now),
                avi=new.avi,
                version=new.version,
                commit=commit,
                digest=new.tree.digest,
                spec=new.spec.model_dump(mode="json"),
                state=READY,
                visibility=new.visibility,
                submitter=new.submitter,
                created_at=now,
            )
            session.add(release)
            session.flush()
            log.info("Published %s %s by %s as %s", new.avi, new.version, new.submitter, commit)
            return release_view(release)

    def _known(self, session: Session, new: _Publication) -> ReleaseView | None:
        """Return the release where it exists already.

        Raises
        ------
        Conflict
            It exists with other content, or the AVI is somebody else's.
        """
        self._require_owner(session, new)
        known = releases.one(session, avi=new.avi, version=new.version)
        return None if known is None else _same(known, new)

    def _require_owner(self, session: Session, new: _Publication) -> None:
        avi = releases.avi(session, new.avi)
        if avi is not None and avi.owner != new.submitter and not new.operator:
            raise Conflict(f"An AVI {new.avi!r} exists and is not yours; choose another name.", field="avi")

    def _avi_row(self, session: Session, new: _Publication) -> Avi:
        avi = releases.avi(session, new.avi)
        if avi is None:
            avi = Avi(name=new.avi, owner=new.owner, created_at=self._clock.now())
            session.add(avi)
        return avi

    def _source(self, submitter: str, folder: str, *, operator: bool) -> tuple[Path, list[str]]:
        """Return where to read: the platform may read every file, so people name only their own."""
        if operator and Path(folder).is_absolute():
            source = Path(folder).resolve()
            own = self._config.root.resolve()
            if source.is_relative_to(own) or own.is_relative_to(source):
                raise BadRequest("The platform's own folders are not published.", field="folder")
            return source, []
        inside = folder.removeprefix(f"/home/{submitter}/")
        space = self._config.root / "users" / submitter
        return space, split_source(inside, base=space)

    def _newest(
        self, session: Session, *, viewer: str, avi: str, version: str | None = None
    ) -> tuple[Release, Avi]:
        found = releases.visible(session, viewer=viewer, avi=avi, version=version)
        if not found:
            what = f"release {version} of {avi!r}" if version else f"AVI {avi!r}"
            raise NotFound(f"There is no {what} that is open to you.", field="version" if version else "avi")
        return found[0]

    def _avi_view(self, avi: Avi, newest: Release, viewer: str) -> AviView:
        spec = ReleaseSpec.model_validate(newest.spec)
        return AviView(
            name=avi.name,
            title=spec.manifest.title or avi.name,
            summary=spec.manifest.summary,
            owner=avi.owner,
            authors=[author.name for author in spec.manifest.authors],
            keywords=spec.manifest.keywords,
            licence=spec.manifest.licence,
            latest=newest.version,
            has_interface=spec.interface is not None,
            interface_url=interface_url(self._config, user=viewer, avi=avi.name) if spec.interface else None,
            pipelines=[pipeline.name for pipeline in spec.pipelines if not pipeline.hidden],
        )


def release_view(release: Release) -> ReleaseView:
    """Return a release as people see it."""
    return ReleaseView.model_validate(
        {
            "avi": release.avi,
            "version": release.version,
            "commit": release.commit,
            "state": release.state,
            "visibility": release.visibility,
            "created_at": release.created_at,
            "spec": release.spec,
        }
    )


def bundled_slug(folder: Path) -> str:
    """Return the AVI's name of a bundled folder: `hr_diagram` becomes `hr-diagram`."""
    return folder.name.replace("_", "-")


def _check_name(avi: str, version: str) -> None:
    if avi in RESERVED:
        raise BadRequest(f"The platform itself uses the name {avi!r}; choose another.", field="avi")
    if not _SLUG.fullmatch(avi) or len(avi) not in _SLUG_LENGTH:
        raise BadRequest(
            "An AVI's name has 2 to 20 lower-case letters, digits and single hyphens, a letter first.",
            field="avi",
        )
    if not _VERSION.fullmatch(version):
        raise BadRequest("A version has up to 40 letters, digits and . + _ -, as in 1.2.0.", field="version")


def _read_spec(tree: Tree) -> ReleaseSpec:
    """Read what a folder declares."""
    try:
        spec = read_release(tree.folder)
    except FolderProblem as problem:
        told = str(problem).replace(str(tree.folder), "the folder")
        raise BadManifest(
            told, field=problem.key or problem.file.replace(str(tree.folder), "") or None
        ) from None
    require_memory_expressions(spec)
    return spec


def _same(known: Release, new: _Publication) -> ReleaseView:
    """Return the release that exists already, unless it is another one under this version."""
    if known.digest != new.tree.digest:
        raise Conflict(
            f"{new.avi} {new.version} was published with other content, and a release never changes: "
            "choose another version.",
            field="version",
        )
    return release_view(known)


def _free_version(version: str, taken: set[str]) -> str:
    count = 1
    while (candidate := version if count == 1 else f"{version}+{count}") in taken:
        count += 1
    return candidate
