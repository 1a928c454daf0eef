"""From a claimed attempt to the description of its container."""

from collections.abc import Callable
from pathlib import Path

from gavip_hub.config import Gavip
from gavip_hub.domain.container import ContainerSpec, Kind, Resources, container_spec, own_spec
from gavip_hub.domain.job import BUILD, OWN
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
    environment
        Gives the folder of the packages that it brought, where it did.
    """

    def __init__(
        self,
        *,
        config: Gavip,
        user_spaces: UserSpaces,
        folders: AttemptFolders,
        checkout: Callable[[str, str], Path],
        image: Callable[[str, str], str],
        environment: Callable[[str, str], Path | None],
    ) -> None:
        self._config = config
        self._user_spaces = user_spaces
        self._folders = folders
        self._checkout = checkout
        self._image = image
        self._environment = environment

    def spec_for(self, order: LaunchOrder) -> ContainerSpec:
        """Make the attempt's folder and return the description of its container."""
        return self._of_the_platform(order) if order.pipeline in OWN else self._of_pipeline(order)

    def _of_the_platform(self, order: LaunchOrder) -> ContainerSpec:
        """Describe a build or a check: a stranger's code runs in it for nobody, and is to find nothing of anybody's."""
        config, builds = self._config, order.pipeline == BUILD
        folder = self._folders.create(owner=order.owner, job=order.job, attempt=order.attempt)
        environment = None if builds else self._environment(order.avi, order.version)
        outside = {"GAVIP_PACKAGE_INDEX": config.package_index} if builds else archive_environment(config)
        return own_spec(
            name=order.name,
            owner=order.owner,
            avi=order.avi,
            version=order.version,
            checkout=str(self._checkout(order.avi, order.commit)),
            attempt=str(folder),
            environment=str(environment) if environment else None,
            resources=Resources(
                memory_mb=order.memory_mb,
                cpu=order.cpu,
                cpu_limit=config.cpu_limit(order.cpu),
                scratch_mb=2 * config.environment_mb,
                written_mb=config.environment_mb,
                time_limit=order.time_limit,
            ),
            env={**_own(order), **outside},
            allowed_hosts=tuple(config.package_hosts) if builds else reachable_hosts(config, order.avi),
            image=self._image(order.avi, order.version),
        )

    def _of_pipeline(self, order: LaunchOrder) -> ContainerSpec:
        folder = self._folders.create(owner=order.owner, job=order.job, attempt=order.attempt)
        places = self._user_spaces.places(
            owner=order.owner,
            avi=order.avi,
            checkout=self._checkout(order.avi, order.commit),
            attempt=folder,
            environment=self._environment(order.avi, order.version),
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
            env={**archive_environment(self._config), **_own(order)},
            allowed_hosts=reachable_hosts(self._config, order.avi),
            image=self._image(order.avi, order.version),
        )


def _own(order: LaunchOrder) -> dict[str, str]:
    """Return the variables that are an attempt's own."""
    anew = {"GAVIP_ASK_ANEW": "1"} if order.asks_anew else {}
    return {
        **anew,
        "GAVIP_TOKEN": order.token,
        "GAVIP_REQUEST_ID": order.request,
        "GAVIP_ATTEMPT_DIR": "/attempt",
    }
