"""From what somebody asks for to the one server that it means; all that comes from outside is resolved here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.domain.container import Kind
from gavip_hub.domain.quota import Want
from gavip_hub.exceptions import BadRequest
from gavip_hub.services.releases import ReleaseService

NOTEBOOK_TEMPLATES = ("default",)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A server that somebody asks for, resolved from what they may run."""

    owner: str
    groups: list[str]
    kind: Kind
    ref: str
    """The Hub's name for it: empty for the notebook server."""
    memory_mb: int
    cpu: float
    release: ReleaseView | None = None

    @property
    def user_options(self) -> dict[str, str]:
        """What the Hub is asked with; `Wishes.of_options` takes it apart again."""
        release = self.release
        return (
            {"release": f"{release.avi}/{release.version}"}
            if release
            else {"notebook": NOTEBOOK_TEMPLATES[0]}
        )

    @property
    def want(self) -> Want:
        """What it would hold."""
        return Want(kind=self.kind, memory_mb=self.memory_mb, cpu=self.cpu)


class Wishes:
    """Resolves what people may open."""

    def __init__(self, *, releases: ReleaseService, config: Gavip) -> None:
        self._releases = releases
        self._config = config

    def interface(self, *, owner: str, groups: list[str], avi: str, version: str | None = None) -> Wish:
        """Return the interface of an AVI, by default of its newest release.

        Raises
        ------
        NotFound
            There is no such release that is open to the owner.
        Withdrawn
            Nobody opens it any more.
        BadRequest
            The AVI has no interface.
        """
        release = self._releases.usable(viewer=owner, avi=avi, version=version)
        if release.spec.interface is None:
            raise BadRequest(f"{avi} {release.version} has no interface, only pipelines.", field="avi")
        declared = release.spec.manifest.interface
        return Wish(
            owner=owner,
            groups=groups,
            kind=Kind.INTERFACE,
            ref=avi,
            memory_mb=declared.memory,
            cpu=declared.cpu,
            release=release,
        )

    def of_options(
        self, *, owner: str, groups: list[str], server_name: str, options: Mapping[str, Any]
    ) -> Wish:
        """Return the server that the Hub's `user_options` mean; anyone may have sent them.

        Raises
        ------
        BadRequest
            They say anything but the release of this server's AVI, or a notebook template.
        """
        if not server_name:
            return self._notebook(owner, groups, options)
        avi, version = _release_in(options)
        if avi != server_name:
            raise BadRequest(f"The server of {avi[:40]} is named {avi[:40]}, not {server_name[:40]}.")
        return self.interface(owner=owner, groups=groups, avi=avi, version=version)

    def _notebook(self, owner: str, groups: list[str], options: Mapping[str, Any]) -> Wish:
        template = options.get("notebook", NOTEBOOK_TEMPLATES[0])
        if set(options) - {"notebook"} or template not in NOTEBOOK_TEMPLATES:
            raise BadRequest(
                f'A notebook server takes {{"notebook": "{NOTEBOOK_TEMPLATES[0]}"}} and nothing else.'
            )
        return Wish(
            owner=owner,
            groups=groups,
            kind=Kind.NOTEBOOK,
            ref="",
            memory_mb=self._config.notebook_memory_mb,
            cpu=self._config.notebook_cpu,
        )


def _release_in(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return AVI and version of `{"release": "<avi>/<version>"}`."""
    release = options.get("release")
    if set(options) != {"release"} or not isinstance(release, str) or release.count("/") != 1:
        raise BadRequest('A named server takes {"release": "<avi>/<version>"} and nothing else.')
    avi, _, version = release.partition("/")
    return avi, version
