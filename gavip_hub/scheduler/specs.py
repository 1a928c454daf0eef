"""From a claimed attempt to the description of its container."""

from collections.abc import Callable
from pathlib import Path

from gavip_hub.config import Gavip
from gavip_hub.domain.container import ContainerSpec, Kind, Resources, container_spec
from gavip_hub.services.claims import LaunchOrder
from gavip_hub.services.surroundings import archive_environment, reachable_hosts
from gavip_hub.storage.userspace import AttemptFolders, UserSpaces


class JobSpecs:
    """Prepares an attempt's folders and describes its container.

    Parameters
    ----------
    checkout
        Gives the read-only tree of an AVI's commit.
    image
        Gives the name of the image that a release of an AVI runs in.
    """

    def __init__(
        self,
        *,
        config: Gavip,
        user_spaces: UserSpaces,
        folders: AttemptFolders,
        checkout: Callable[[str, str], Path],
        image: Callable[[str, str], str],
    ) -> None:
        self._config = config
        self._user_spaces = user_spaces
        self._folders = folders
        self._checkout = checkout
        self._image = image

    def spec_for(self, order: LaunchOrder) -> ContainerSpec:
        """Make the attempt's folder and return the description of its container."""
        folder = self._folders.create(owner=order.owner, job=order.job, attempt=order.attempt)
        places = self._user_spaces.places(
            owner=order.owner,
            avi=order.avi,
            checkout=self._checkout(order.avi, order.commit),
            attempt=folder,
            granted=order.granted,
        )
        return container_spec(
            name=order.name,
            kind=Kind.JOB,
            owner=order.owner,
            avi=order.avi,
            version=order.version,
            places=places,
            resources=Resources(
                memory_mb=order.memory_mb,
                cpu=order.cpu,
                cpu_limit=self._config.cpu_limit(order.cpu),
                written_mb=self._config.results_mb,
                time_limit=order.time_limit,
            ),
            env={
                **archive_environment(self._config),
                "GAVIP_TOKEN": order.token,
                "GAVIP_REQUEST_ID": order.request,
                "GAVIP_ATTEMPT_DIR": "/attempt",
            },
            allowed_hosts=reachable_hosts(self._config, order.avi),
            image=self._image(order.avi, order.version),
        )
