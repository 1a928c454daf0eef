"""The few questions that we ask a Docker engine, about containers of one platform alone."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from functools import cached_property
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from gavip_hub.backends.docker.frames import PIECE_WITHIN
from gavip_hub.exceptions import Unavailable

PLATFORM = "gavip.platform"
"""Label with the platform's own id: containers without it are somebody else's, and never touched."""
ALIVE = ("running", "paused", "restarting")
"""The engine's words for what has not ended."""
ANSWER_WITHIN = 60.0
_PIECE = 1024 * 1024
_NO_IMAGE = "The image {image} is not on this machine; build it with `make images`."
_BUSY = 409  # ended already, or somebody is just removing it


class Engine:
    """A Docker engine, seen by one platform.

    Parameters
    ----------
    platform
        The platform's id.
    address
        Of the engine's socket; empty: what the environment says, as for the command `docker`.
    """

    def __init__(self, *, platform: str, address: str = "") -> None:
        self.platform = platform
        self._address = address

    @cached_property
    def _client(self) -> docker.APIClient:
        """What asks; made at the first question, since it asks the engine for its version."""
        return self._asking(ANSWER_WITHIN)

    def _asking(self, within: float) -> docker.APIClient:
        where = {"base_url": self._address} if self._address else docker.utils.kwargs_from_env()
        return docker.APIClient(version="auto", timeout=within, **where)

    def require(self, images: Iterable[str]) -> str:
        """Make sure that it answers and has these images; return its version.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It does not; the message says what to do.
        """
        try:
            version = str(self._client.version()["Version"])
            for image in images:
                self._client.inspect_image(image)
        except ImageNotFound as error:
            raise Unavailable(_NO_IMAGE.format(image=image)) from error
        except (DockerException, RequestException) as error:
            raise Unavailable(
                f"No Docker engine answers ({told(error)}). Start one (`scripts/engine` does), or name its address "
                "in the setting `docker_engine`."
            ) from error
        return version

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return what the engine knows of an image; None where it has none of that name.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer.
        """
        try:
            found: dict[str, Any] = self._client.inspect_image(reference)
        except ImageNotFound:
            return None
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The engine does not answer: {told(error)}") from error
        return found

    def saved(self, reference: str) -> Iterator[bytes]:
        """Yield an image as `docker save` writes it.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine cannot, or broke off.
        """
        try:
            # A client of its own: its connections are this one answer's.
            with closing(self._asking(PIECE_WITHIN)) as client:
                yield from client.get_image(reference, chunk_size=_PIECE)
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The engine cannot save the image {reference}: {told(error)}") from error

    def create(self, options: dict[str, Any]) -> str:
        """Create a container; return its id.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            One of this name exists, its image does not, or the engine does not answer.
        """
        try:
            made = self._client.create_container(**options)
        except ImageNotFound as error:
            raise Unavailable(_NO_IMAGE.format(image=options["image"])) from error
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The container {options['name']} cannot be created: {told(error)}") from error
        return str(made["Id"])

    def start(self, name: str) -> None:
        """Start a created container.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It cannot be started.
        """
        try:
            self._client.start(name)
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The container {name} did not start: {told(error)}") from error

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Return what the engine knows of a container of ours; None where there is none.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer.
        """
        try:
            found: dict[str, Any] = self._client.inspect_container(name)
        except NotFound:
            return None
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The engine does not answer: {told(error)}") from error
        return found if found["Config"]["Labels"].get(PLATFORM) == self.platform else None

    def signal(self, name: str, sign: str) -> None:
        """Signal the first process of a container of ours; no harm when it is gone."""
        if self.inspect(name) is None:
            return
        try:
            self._client.kill(name, signal=sign)
        except APIError as error:
            if error.status_code not in (404, _BUSY):
                raise Unavailable(f"The container {name} cannot be ended: {told(error)}") from error
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The container {name} cannot be ended: {told(error)}") from error

    def remove(self, name: str) -> None:
        """Remove a container of ours, ending it where it runs; no harm when it is gone."""
        if self.inspect(name) is None:
            return
        try:
            self._client.remove_container(name, force=True, v=True)
        except NotFound:
            return
        except (DockerException, RequestException) as error:
            if isinstance(error, APIError) and error.status_code == _BUSY:
                return
            raise Unavailable(f"The container {name} cannot be removed: {told(error)}") from error

    def rename(self, name: str, new: str) -> None:
        """Give a container of ours another name.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It is gone, or the name is taken.
        """
        try:
            self._client.rename(name, new)
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The container {name} cannot become {new}: {told(error)}") from error

    def update(self, name: str, limits: dict[str, Any]) -> None:
        """Change the limits of a running container of ours.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            It is gone, or holds more than it is to have.
        """
        try:
            self._client.update_container(name, **limits)
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The container {name} cannot get other limits: {told(error)}") from error

    def last_line(self, name: str) -> bytes:
        """Return the last line that the first process of a container printed.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer: to take that for silence would make a failure of the job one of the platform's.
        """
        try:
            text: bytes = self._client.logs(name, stdout=True, stderr=False, tail=1)
        except NotFound:
            return b""
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The engine does not answer: {told(error)}") from error
        return text.strip()

    def names(self) -> list[str]:
        """Return the names of all containers of ours, running or not.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer.
        """
        return sorted(self._states())

    def alive(self) -> set[str]:
        """Return the names of the containers of ours that run.

        Raises
        ------
        gavip_hub.exceptions.Unavailable
            The engine does not answer.
        """
        return {name for name, state in self._states().items() if state in ALIVE}

    def _states(self) -> dict[str, str]:
        """Return how all containers of ours are, by their names: one question, however many there are."""
        try:
            listed = self._client.containers(all=True, filters={"label": f"{PLATFORM}={self.platform}"})
        except (DockerException, RequestException) as error:
            raise Unavailable(f"The engine does not answer: {told(error)}") from error
        # One that is just being removed has no name.
        return {one["Names"][0].lstrip("/"): one["State"] for one in listed if one["Names"]}


def told(error: Exception) -> str:
    """Return the engine's own sentence."""
    return str(getattr(error, "explanation", None) or error)


def seconds(time: str) -> float:
    """Return the Unix time of one of the engine's time stamps, which have nanoseconds."""
    moment, _, fraction = time.rstrip("Z").partition(".")
    whole = datetime.fromisoformat(f"{moment}+00:00").timestamp()
    return whole + float(f"0.{fraction or 0}")
