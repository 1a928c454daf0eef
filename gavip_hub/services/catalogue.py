"""AVIs and releases as people see them."""

from avi_kernel.protocol.api import AviView, ReleaseView
from avi_kernel.protocol.manifest import ReleaseSpec
from gavip_hub.config import Gavip
from gavip_hub.domain.addresses import interface_url
from gavip_hub.storage.schema import Avi, Release


def avi_view(config: Gavip, avi: Avi, newest: Release, *, viewer: str) -> AviView:
    """Return an AVI as the catalogue shows it to somebody, by the newest release that they may run."""
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
        interface_url=interface_url(config, user=viewer, avi=avi.name) if spec.interface else None,
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
            "environment": release.environment,
            "build": release.build,
            "reason": release.reason,
            "submitter": release.submitter,
            "visibility": release.visibility,
            "created_at": release.created_at,
            "spec": release.spec,
        }
    )
