"""Templates that AVIs are made of: those that come with the platform, and those that operators add while it runs.

One that was added is a repository of the platform's own git. A new tag there changes nothing by itself: what everybody begins
with is what an operator looked at, and its version stands here with its commit.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.authoring.templates import Packaged, packaged
from avi_kernel.protocol.names import NAME_RULE, is_avi_name
from avi_kernel.protocol.templates import TemplateAdd, TemplateChange, TemplateView
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.addresses import git_url
from gavip_hub.domain.pushes import newest_template, template_version
from gavip_hub.exceptions import BadManifest, BadRequest, BadTemplate, Conflict, Forbidden, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import templates
from gavip_hub.storage.copies import Tree
from gavip_hub.storage.database import Database, lock_pools
from gavip_hub.storage.rendering import TemplateRenderer, TemplateSource
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.template_schema import Template
from gavip_hub.storage.templates import OFFERED, RETIRED

NEWEST = "newest"
MOST_TEMPLATES = 100

log = logging.getLogger(__name__)


class TemplateService:
    """Lists, adds and changes templates, and makes the files of AVIs of them."""

    def __init__(
        self,
        *,
        database: Database,
        repositories: Repositories,
        projects: ProjectService,
        releases: ReleaseService,
        renderer: TemplateRenderer,
        config: Gavip,
        clock: Clock,
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._projects = projects
        self._releases = releases
        self._renderer = renderer
        self._config = config
        self._clock = clock

    def every(self, *, viewer: str, retired: bool = False) -> list[TemplateView]:
        """Return what is offered to somebody, those first that come with the platform.

        Parameters
        ----------
        retired
            Also what is not offered any more.
        """
        wanted = [view for view in self.all() if retired or view.state == OFFERED]
        return [view for view in wanted if self._is_open(viewer, view)]

    def all(self) -> list[TemplateView]:
        """Return all there are, as operators see them."""
        with self._database.reading() as session:
            rows = {row.name: row for row in templates.every(session)}
        views = [self._packaged_view(known, rows.get(known.name)) for known in packaged().values()]
        views += [self._view(row) for row in rows.values() if row.avi]
        return list({view.name: view for view in views}.values())

    def get(self, *, viewer: str, name: str) -> TemplateView:
        """Return a template, offered or not.

        Raises
        ------
        NotFound
            There is none, or its repository is not for them.
        """
        return _named(name, self.every(viewer=viewer, retired=True))

    def add(self, request: TemplateAdd, *, by: str) -> TemplateView:
        """Offer a repository of the platform as a template, once an AVI could be made of it.

        Raises
        ------
        BadTemplate
            None could be made, or it wants what no template may.
        Conflict
            The name is taken.
        """
        if not is_avi_name(request.name):
            raise BadRequest(NAME_RULE.replace("An AVI's", "A template's"), field="name")
        self._require_room(request.name)
        self._require_public(request.project, by)
        tag, commit = self._tagged(request.project, request.version)
        version = template_version(tag) or ""
        self._try(self._source(request.project, version, tag))
        with self._database.transaction() as session:
            lock_pools(session, "templates")
            _require_free(session, request.name)
            row = Template(
                name=request.name,
                title=request.title.strip() or request.name.replace("-", " ").capitalize(),
                summary=request.summary.strip(),
                avi=request.project,
                version=version,
                commit=commit,
                state=OFFERED,
                changed_by=by,
                changed_at=self._clock.now(),
            )
            session.add(row)
            session.flush()
            view = self._view(row)
        log.info("Added the template %s, %s %s, by %s", view.name, request.project, version, by)
        return view

    def change(self, name: str, change: TemplateChange, *, by: str) -> TemplateView:
        """Change a template's version, words or state; AVIs that were made of it stay as they are.

        Raises
        ------
        BadTemplate
            No AVI could be made of that version.
        """
        before = _named(name, self.all())
        said: dict[str, Any] = {}
        if change.version is not None:
            said |= self._version(before, change.version)
        if change.title is not None and change.title.strip():
            said["title"] = change.title.strip()
        if change.summary is not None:
            said["summary"] = change.summary.strip()
        if change.state is not None:
            said["state"] = change.state
        with self._database.transaction() as session:
            lock_pools(session, "templates")
            row = templates.one(session, name) or _untouched(before)
            for key, value in said.items():
                setattr(row, key, value)
            row.changed_by, row.changed_at = by, self._clock.now()
            session.add(row)
        log.info(
            "Changed the template %s by %s: %s", name, by, ", ".join(f"{k} {v}" for k, v in said.items())
        )
        return _named(name, self.all())

    @contextmanager
    def made(self, name: str, *, title: str, author: str) -> Iterator[Tree]:
        """Give the files of an AVI that somebody begins with a template, by what it proposes.

        Raises
        ------
        Conflict
            It is not offered any more, or its tag leads elsewhere than when an operator looked at it.
        """
        view = self.get(viewer=author, name=name)
        if view.state == RETIRED:
            names = ", ".join(other.name for other in self.every(viewer=author)) or "none"
            raise Conflict(
                f"The template {name} is not offered any more; there are: {names}.", field="template"
            )
        with self._renderer.made(self._source_of(view), proposed={"title": title, "author": author}) as tree:
            yield tree

    def _version(self, before: TemplateView, wanted: str) -> dict[str, Any]:
        """Return what a new version changes, once an AVI could be made of it."""
        if before.project is None:
            raise BadRequest(
                f"{before.name} comes with the platform, and its versions with the platform's own.",
                field="version",
            )
        tag, commit = self._tagged(before.project, None if wanted == NEWEST else wanted)
        version = template_version(tag) or ""
        self._require_public(before.project, "")
        self._try(self._source(before.project, version, tag))
        return {"version": version, "commit": commit}

    def _tagged(self, project: str, version: str | None) -> tuple[str, str]:
        """Return the tag of a version, and its commit."""
        names = self._repositories.names(project)
        plain = (version or "").strip().removeprefix("v")
        wanted = [f"refs/tags/v{plain}", f"refs/tags/{plain}"] if version else [newest_template(names) or ""]
        tag = next((name for name in wanted if name in names and template_version(name)), None)
        commit = self._repositories.commit_of(project, tag) if tag else None
        if tag is None or commit is None:
            there = sorted({known for name in names if (known := template_version(name))}, reverse=True)[:20]
            raise BadTemplate(
                f"{project} has no version {version or ''}".rstrip()
                + f"; it has: {', '.join(there) or 'none'}. Each is a tag, as: git tag v1.0.0 && git push origin v1.0.0",
                field="version",
            )
        if not self._repositories.is_template(project, commit):
            raise BadTemplate(
                f"{project} {template_version(tag)} is no template: there is no copier.yml in its topmost folder.",
                field="project",
            )
        return tag, commit

    def _try(self, source: TemplateSource) -> None:
        """Make an AVI by a template's defaults, and look whether it is one."""
        try:
            with self._renderer.made(source, proposed={"title": "A trial", "author": "operator"}) as tree:
                self._releases.spec_of(tree)
        except BadManifest as error:
            raise BadTemplate(
                f"What is made of it by its defaults is no valid AVI. {error.message}", field="project"
            ) from None

    def _require_room(self, name: str) -> None:
        """Refuse a name that is taken, before anything is tried."""
        with self._database.reading() as session:
            _require_free(session, name)

    def _require_public(self, project: str, viewer: str) -> None:
        """Refuse a repository that not everybody may read: who made an AVI of it fetches its next version there."""
        try:
            self._projects.require_readable(viewer=None, name=project)
        except NotFound:
            if viewer and not self._projects.is_readable(viewer=viewer, name=project):
                raise
            raise Forbidden(
                f"Not everybody may read {project}, and whoever makes an AVI of it has to: its owner makes it public, by "
                f"`gavip project change {project} --source public`.",
                field="project",
            ) from None

    def _is_open(self, viewer: str, view: TemplateView) -> bool:
        return view.project is None or self._projects.is_readable(viewer=viewer, name=view.project)

    def _source_of(self, view: TemplateView) -> TemplateSource:
        """Return where a version lies; its tag must lead where it led when an operator looked."""
        if view.project is None:
            return TemplateSource(address=view.address)
        tag, commit = self._tagged(view.project, view.version)
        with self._database.reading() as session:
            row = templates.one(session, view.name)
        if row is None or row.commit != commit:
            raise Conflict(
                f"{view.version} of the template {view.name} is not what an operator looked at: ask your operator."
            )
        return self._source(view.project, view.version, tag)

    def _source(self, project: str, version: str, tag: str) -> TemplateSource:
        return TemplateSource(address=git_url(self._config, project), version=version, avi=project, tag=tag)

    def _view(self, row: Template) -> TemplateView:
        return TemplateView.model_validate(
            {
                "name": row.name,
                "title": row.title,
                "summary": row.summary,
                "source": "repository",
                "project": row.avi,
                "address": git_url(self._config, row.avi or ""),
                "version": row.version,
                "state": row.state,
                "changed_by": row.changed_by,
                "changed_at": row.changed_at,
            }
        )

    def _packaged_view(self, known: Packaged, row: Template | None) -> TemplateView:
        view = TemplateView(
            name=known.name,
            title=known.name.capitalize(),
            summary=known.summary,
            source="packaged",
            address=f"gavip:{known.name}.git",
            version=known.version,
            state="offered",
        )
        if row is None:
            return view
        if row.avi:  # an operator's own, older than the platform's of that name
            return self._view(row)
        changed = {"title": row.title, "summary": row.summary, "state": row.state}
        return view.model_copy(update={**changed, "changed_by": row.changed_by, "changed_at": row.changed_at})


def _require_free(session: Session, name: str) -> None:
    if name in packaged() or templates.one(session, name) is not None:
        raise Conflict(
            f"There is a template {name} already: choose another name, or give that another version.",
            field="name",
        )
    if len(templates.every(session)) >= MOST_TEMPLATES:
        raise Conflict(f"There are {MOST_TEMPLATES} templates, and no platform has more.", field="name")


def _named(name: str, views: list[TemplateView]) -> TemplateView:
    for view in views:
        if view.name == name:
            return view
    names = ", ".join(view.name for view in views if view.state == OFFERED) or "none"
    raise NotFound(f"There is no template {name[:40]!r}; there are: {names}.", field="template")


def _untouched(view: TemplateView) -> Template:
    """Return the row of a template that came with the platform, before an operator changes it."""
    return Template(
        name=view.name,
        title=view.title,
        summary=view.summary,
        avi=None,
        version="",
        commit="",
        state=view.state,
    )
