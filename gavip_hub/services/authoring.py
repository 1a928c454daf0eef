"""An author's road without a terminal: a project made of a notebook of their own or a template, and its releases."""

import logging
from collections.abc import Callable

from avi_kernel.authoring.wrapping import Wrapped, wrapped
from avi_kernel.protocol.folder import LARGEST_NOTEBOOK, FolderProblem
from avi_kernel.protocol.projects import ProjectView
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.names import require_avi_name
from gavip_hub.exceptions import BadManifest, BadRequest, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.templates import TemplateService
from gavip_hub.storage.beneath import open_file
from gavip_hub.storage.repositories import Repositories, split_source

_LONGEST_TOLD = 200

log = logging.getLogger(__name__)


class AuthoringService:
    """Makes projects of notebooks and templates, and releases of what a project's main branch has.

    Parameters
    ----------
    changed
        Is told of a repository that has something new.
    """

    def __init__(
        self,
        *,
        projects: ProjectService,
        releases: ReleaseService,
        templates: TemplateService,
        repositories: Repositories,
        config: Gavip,
        clock: Clock,
        changed: Callable[[str], None],
    ) -> None:
        self._projects = projects
        self._releases = releases
        self._templates = templates
        self._repositories = repositories
        self._config = config
        self._clock = clock
        self._changed = changed

    def proposed(self, *, owner: str, notebook: str) -> Wrapped:
        """Return what a project of a notebook of its owner's space would be; nothing is made, and nothing of it is run.

        Raises
        ------
        BadManifest
            It is no notebook, or its parameters are none.
        BadRequest
            That is not how a notebook of one's space is named.
        NotFound
            There is no such file of theirs.
        """
        return self._wrapped(owner, notebook, "")

    def begin(self, *, owner: str, name: str, notebook: str) -> ProjectView:
        """Make a project of a notebook of its owner's space, as `gavip avi new --from` does; nothing of it is run.

        Raises
        ------
        BadManifest
            It is no notebook, or its parameters are none.
        Conflict
            The name is taken, or the project has commits.
        NotFound
            There is no such file of theirs.
        """
        require_avi_name(name)
        made = self._wrapped(owner, notebook, name)
        self._projects.is_made(user=owner, name=name)  # refuses whose it is not
        self._projects.make(user=owner, name=name)
        decide = "".join(f"- {line}\n" for line in made.open)
        message = f"Made of {notebook.rpartition('/')[2]}\n\nTo decide:\n{decide}"
        self._repositories.begin(name, made.files, message=message, author=owner, at=self._clock.now())
        self._changed(name)
        log.info("%s made %s of a notebook", owner, name)
        return self._projects.get(viewer=owner, name=name)

    def begin_of_template(self, *, owner: str, name: str, template: str) -> ProjectView:
        """Make a project of a template that is offered, by what that proposes; nothing of it is run.

        Raises
        ------
        BadTemplate
            No AVI can be made of it.
        Conflict
            The name is taken, the project has commits, or the template is not offered any more.
        """
        require_avi_name(name)
        self._projects.is_made(user=owner, name=name)  # refuses whose it is not
        title = name.replace("-", " ").capitalize()
        with self._templates.made(template, title=title, author=owner) as tree:
            self._releases.spec_of(tree)
            self._projects.make(user=owner, name=name)
            message, now = f"Made of the template {template}", self._clock.now()
            self._repositories.begin_with(name, tree, message=message, author=owner, at=now)
        self._changed(name)
        log.info("%s made %s of the template %s", owner, name, template)
        return self._projects.get(viewer=owner, name=name)

    def release(self, *, author: str, avi: str, version: str) -> ReleaseView:
        """Make a release of what the main branch has, as a pushed tag does.

        Raises
        ------
        BadManifest
            It is no valid AVI.
        Conflict
            The version exists with other content, or nothing was pushed yet.
        """
        commit = self._projects.main_of(author=author, name=avi)
        release = self._releases.submit_commit(submitter=author, avi=avi, version=version, commit=commit)
        self._repositories.tag(avi, version=version, commit=release.commit)
        self._changed(avi)
        return release

    def _wrapped(self, owner: str, notebook: str, name: str) -> Wrapped:
        file, content = self._read(owner, notebook)
        if len(content) > LARGEST_NOTEBOOK:
            raise BadManifest(f"{file} is too large: clear its outputs.", field="notebook")
        try:
            return wrapped(content.decode(), file=file, name=name)
        except UnicodeDecodeError:
            raise BadManifest(f"{file} is no text in UTF-8.", field="notebook") from None
        except FolderProblem as problem:
            raise BadManifest(str(problem), field="notebook") from None

    def _read(self, owner: str, notebook: str) -> tuple[str, bytes]:
        """Return name and content of a notebook of somebody's space; of one that is too large, a byte too much."""
        space = self._config.root / "users" / owner
        try:
            parts = split_source(notebook.removeprefix(f"/home/{owner}/"), base=space)
        except BadRequest:  # whose words speak of the platform's own folders
            parts = []
        if not parts or not parts[-1].endswith(".ipynb"):
            raise BadRequest("Name a notebook of your space, as `work/my-stars.ipynb`.", field="notebook")
        try:
            with open_file(space, parts) as file:
                return parts[-1], file.read(LARGEST_NOTEBOOK + 1)
        except NotFound:
            raise NotFound(
                f"Your space has no notebook {'/'.join(parts)[:_LONGEST_TOLD]}; links are not followed. "
                "Save or copy it there, and name it as `work/my-stars.ipynb`.",
                field="notebook",
            ) from None
