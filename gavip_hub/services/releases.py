"""Publish releases of AVIs, and tell who may run which."""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.manifest import DEFAULT_IMAGE, ReleaseSpec
from avi_kernel.protocol.releases import AviView, ReleaseSubmit, ReleaseView
from gavip_hub.clock import Clock
from gavip_hub.config import NOTEBOOK_IMAGE, Gavip
from gavip_hub.domain.names import require_avi_name, require_version
from gavip_hub.exceptions import BadManifest, BadRequest, Conflict, Forbidden, NotFound
from gavip_hub.services import environments
from gavip_hub.services.catalogue import avi_view, open_release, release_view, view_for
from gavip_hub.services.standings import require_this_usable
from gavip_hub.storage import catalogue, checks, members, releases
from gavip_hub.storage.builds import READY
from gavip_hub.storage.copies import Tree
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.repositories import Repositories, split_source
from gavip_hub.storage.schema import Avi, Release

BUNDLED_OWNER = "gavip"

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
    operator: bool = False
    commit: str | None = None
    """Of the author's own; else the platform makes one of the folder."""
    checked: bool = True
    """Whether it is tried by itself; what an operator takes from this machine is when somebody asks for it."""


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

    def avi(self, *, viewer: str, name: str) -> AviView:
        """Return an AVI of which a release is open to the viewer."""
        with self._database.reading() as session:
            release, avi = open_release(session, viewer=viewer, avi=name)
            badges = checks.badges(session, [release.id])
            view = avi_view(self._config, avi, release, viewer=viewer, badges=badges.get(release.id, []))
            liked = catalogue.is_favourite(session, user=viewer, avi=name)
            return view.model_copy(update={"favourite": liked})

    def versions(self, *, viewer: str, avi: str) -> list[ReleaseView]:
        """Return the releases of an AVI that the viewer may run, newest first."""
        found = self.of_project(viewer=viewer, avi=avi)
        if not found:
            raise NotFound(f"There is no AVI {avi!r} that is open to you.")
        return found

    def of_project(self, *, viewer: str, avi: str) -> list[ReleaseView]:
        """Return the releases of an AVI that the viewer may run, newest first; none is no fault."""
        with self._database.reading() as session:
            found = releases.visible(session, viewer=viewer, avi=avi)
            writes = bool(found) and members.may_write(session, found[0][1], viewer)
            return [release_view(release, writes=writes) for release, _ in found]

    def get(self, *, viewer: str, avi: str, version: str | None = None) -> ReleaseView:
        """Return a release that is open to the viewer, withdrawn or not; by default the newest that is offered."""
        with self._database.reading() as session:
            release, project = open_release(session, viewer=viewer, avi=avi, version=version)
            return view_for(session, release, project, viewer)

    def usable(self, *, viewer: str, avi: str, version: str | None = None) -> ReleaseView:
        """Return a release that the viewer is about to open or run; by default the newest that is offered.

        Raises
        ------
        NotReady
            Its packages are not here.
        Withdrawn
            Nobody does so any more.
        """
        with self._database.reading() as session:
            release, project = open_release(session, viewer=viewer, avi=avi, version=version)
            writes = members.may_write(session, project, viewer)
            require_this_usable(session, release, viewer=viewer, writes=writes)
            return release_view(release, writes=writes)

    def title(self, *, viewer: str, name: str) -> str:
        """Return what an AVI of which a release is open to the viewer is called."""
        with self._database.reading() as session:
            release, _ = open_release(session, viewer=viewer, avi=name)
            return catalogue.title(session, release.id) or name

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
                spec=self.spec_of(tree),
                avi=request.avi,
                version=request.version,
                visibility=request.visibility,
                submitter=submitter,
                owner=submitter,
                operator=operator,
                checked=not operator,
            )
            return self._publish(publication)
        finally:
            self._repositories.discard(tree)

    def check_commit(self, *, avi: str, version: str, commit: str, pushed: str) -> None:
        """Refuse a commit that cannot become a release, while it is being pushed.

        Raises
        ------
        BadManifest
            It is no valid AVI.
        """
        _check_name(avi, version)
        tree = self._repositories.take_out(avi, commit, pushed=pushed)
        try:
            self.spec_of(tree)
        finally:
            self._repositories.discard(tree)

    def submit_commit(self, *, submitter: str, avi: str, version: str, commit: str) -> ReleaseView:
        """Publish a commit of an AVI's repository, to its people alone.

        Raises
        ------
        BadManifest
            It is no valid AVI.
        Conflict
            The version exists with other content.
        """
        _check_name(avi, version)
        tree = self._repositories.take_out(avi, commit)
        try:
            publication = _Publication(
                tree=tree,
                spec=self.spec_of(tree),
                avi=avi,
                version=version,
                visibility=releases.PRIVATE,
                submitter=submitter,
                owner=submitter,
                commit=commit,
            )
            return self._publish(publication)
        finally:
            self._repositories.discard(tree)

    def change(
        self,
        *,
        owner: str,
        avi: str,
        version: str,
        visibility: Literal["private", "public"],
        operator: bool = False,
    ) -> ReleaseView:
        """Let everybody run a release, or its AVI's people alone; what runs goes on."""
        with self._database.transaction() as session:
            lock_pools(session, f"avi:{avi}")
            release, project = open_release(session, viewer=owner, avi=avi, version=version)
            # An operator takes back what is public, and publishes nothing of others.
            takes_back = operator and visibility == releases.PRIVATE
            if not (takes_back or members.may_write(session, project, owner)):
                raise Forbidden(f"{avi} is {project.owner}'s: who may write it decides who may run it.")
            release.visibility = visibility
            session.flush()
            project.visibility = releases.visibility_of(session, avi)
            log.info("Made %s %s %s by %s", avi, version, visibility, owner)
            return view_for(session, release, project, owner)

    def publish_bundled(self, folder: Path, *, avi: str, version: str) -> ReleaseView:
        """Publish an AVI that comes with the platform; changed content becomes `<version>+<n>`."""
        _check_name(avi, version)
        tree = self._repositories.take_in(folder, [])
        try:
            with self._database.reading() as session:
                known = releases.of_digest(session, avi=avi, digest=tree.digest)
                taken = set(releases.versions(session, avi))
            if known is not None:
                return release_view(known, writes=True)
            publication = _Publication(
                tree=tree,
                spec=self.spec_of(tree),
                avi=avi,
                version=_free_version(version, taken),
                visibility=releases.PUBLIC,
                submitter=BUNDLED_OWNER,
                owner=BUNDLED_OWNER,
                operator=True,
                checked=False,
            )
            return self._publish(publication)
        finally:
            self._repositories.discard(tree)

    def spec_of(self, tree: Tree) -> ReleaseSpec:
        """Return what a tree declares.

        Raises
        ------
        BadManifest
            It is no valid AVI.
        """
        return _read_spec(tree, images=[name for name in self._config.images if name != NOTEBOOK_IMAGE])

    def _publish(self, new: _Publication) -> ReleaseView:
        # Two who publish the same AVI at once follow one another, and the database is free while git works.
        with self._repositories.held(new.avi):
            with self._database.reading() as session:
                known = self._known(session, new)
            if known is not None:
                return known
            now = self._clock.now()
            return self._record(new, self._committed(new, now), now)

    def _committed(self, new: _Publication, now: datetime) -> str:
        """Return the commit of a release, and make its files its checkout."""
        if new.commit is not None:
            self._repositories.check_out(new.tree, avi=new.avi, commit=new.commit)
            return new.commit
        return self._repositories.commit(
            new.tree, avi=new.avi, version=new.version, author=new.submitter, at=now
        )

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
            release = Release(
                id=new_id("r", now=now),
                avi=new.avi,
                version=new.version,
                commit=commit,
                digest=new.tree.digest,
                spec=new.spec.model_dump(mode="json"),
                state=READY,
                reason="",
                visibility=new.visibility,
                submitter=new.submitter,
                created_at=now,
            )
            environments.begin(session, release, new.spec)
            session.add(release)
            session.flush()
            session.add(catalogue.card_of(release, new.spec))
            if new.checked and self._config.check_releases:
                checks.want(session, release.id)
            avi.visibility = releases.visibility_of(session, new.avi)
            log.info("Published %s %s by %s as %s", new.avi, new.version, new.submitter, commit)
            return release_view(release, writes=True)

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
        if avi is not None and not (new.operator or members.may_write(session, avi, new.submitter)):
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


def bundled_slug(folder: Path) -> str:
    """Return the AVI's name of a bundled folder: `hr_diagram` becomes `hr-diagram`."""
    return folder.name.replace("_", "-")


def _check_name(avi: str, version: str) -> None:
    require_avi_name(avi)
    require_version(version)


def _read_spec(tree: Tree, *, images: list[str]) -> ReleaseSpec:
    """Read what a folder declares."""
    try:
        return read_release(tree.folder, images=images)
    except FolderProblem as problem:
        told = str(problem).replace(str(tree.folder), "the folder")
        raise BadManifest(
            told, field=problem.key or problem.file.replace(str(tree.folder), "") or None
        ) from None


def _same(known: Release, new: _Publication) -> ReleaseView:
    """Return the release that exists already, unless it is another one under this version."""
    if known.digest != new.tree.digest:
        raise Conflict(
            f"{new.avi} {new.version} was published with other content, and a release never changes: "
            "choose another version.",
            field="version",
        )
    return release_view(known, writes=True)


def _free_version(version: str, taken: set[str]) -> str:
    count = 1
    while (candidate := version if count == 1 else f"{version}+{count}") in taken:
        count += 1
    return candidate
