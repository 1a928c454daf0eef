"""Every refusal of the platform: a code, a status, and a sentence that says what would be accepted."""

import errno
from collections.abc import Iterator


class GavipError(Exception):
    """Something went wrong on the platform; it has been logged."""

    error = "internal"
    status_code = 500
    retry_after: int | None = None
    """Seconds after which it is worth asking again, where that may help."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")
        self.message = str(self)
        self.field = field


class BadRequest(GavipError):
    """The request cannot be understood."""

    error = "bad_request"
    status_code = 400


class BadParameter(GavipError):
    """A parameter is unknown, missing or out of its bounds."""

    error = "bad_parameter"
    status_code = 422


class BadManifest(GavipError):
    """The AVI's manifest or one of its notebooks is not valid."""

    error = "bad_manifest"
    status_code = 422


class BadTemplate(GavipError):
    """The template cannot be used."""

    error = "bad_template"
    status_code = 422


class SignInRequired(GavipError):
    """Sign in first: no valid token or session came with the request."""

    error = "sign_in_required"
    status_code = 401


class Forbidden(GavipError):
    """Your roles do not allow this."""

    error = "forbidden"
    status_code = 403


class NotFound(GavipError):
    """There is no such thing, or it is not yours to see."""

    error = "not_found"
    status_code = 404


class Withdrawn(GavipError):
    """That release was withdrawn: nobody opens it or runs jobs of it any more."""

    error = "withdrawn"
    status_code = 410

    def __init__(
        self, message: str | None = None, *, field: str | None = None, instead: tuple[str, str] | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.instead = instead
        """AVI and version that can be used."""


class Conflict(GavipError):
    """That cannot be done in the present state."""

    error = "conflict"
    status_code = 409


class Taken(Conflict):
    """Something lies there already: choose another name."""

    error = "taken"


class NotReady(Conflict):
    """It cannot be run yet, or cannot be run at all: its packages are not here."""

    error = "not_ready"


class TooLarge(GavipError):
    """More is asked for than your pool or the platform can ever hold."""

    error = "too_large"
    status_code = 422


class BodyTooLarge(GavipError):
    """The request is larger than the 4 MB that are taken: keep large inputs in a file, and give its name."""

    error = "body_too_large"
    status_code = 413


class NoRoom(GavipError):
    """There is no room for it now."""

    error = "no_room"
    status_code = 409


class TooManyBegun(NoRoom):
    """Too many of your uploads are not finished: go on with one, or give one up."""

    error = "too_many_begun"


class SpaceFull(GavipError):
    """Your space holds more than your quota allows: delete what you do not need."""

    error = "space_full"
    status_code = 507


class QueueFull(GavipError):
    """So many jobs wait on the whole platform that it takes no more now."""

    error = "queue_full"
    status_code = 429
    retry_after = 60


class TooOften(GavipError):
    """That was tried too often in a short time."""

    error = "too_often"
    status_code = 429
    retry_after = 600


class DevicePending(GavipError):
    """Its user has not said yes yet: ask again after the interval."""

    error = "authorization_pending"
    status_code = 400


class DeviceTooSoon(GavipError):
    """The command asks more often than it was told to."""

    error = "slow_down"
    status_code = 400


class DeviceRefused(GavipError):
    """Its user said no."""

    error = "access_denied"
    status_code = 400


class DeviceExpired(GavipError):
    """No command waits with this code: it is good for ten minutes, and for one token."""

    error = "expired_token"
    status_code = 400


class Unavailable(GavipError):
    """A part of the platform does not answer; try again in a minute."""

    error = "unavailable"
    status_code = 503
    retry_after = 10


class DatabaseAway(Unavailable):
    """The platform's database does not answer. What runs goes on and nothing is lost: try again in a minute."""

    error = "database_away"


class DiskFull(Unavailable):
    """The platform's disk is full. What is stored stays as it is: try again once the operator has made room."""

    error = "disk_full"
    status_code = 507
    retry_after = 60


class WrongSchema(GavipError):
    """The database's schema is not this program's."""

    error = "wrong_schema"
    status_code = 500


def refusal(error: str, message: str) -> GavipError:
    """Return what another process of the platform refused, by its code; what failed there counts as no answer."""
    named = {kind.error: kind for kind in _kinds(GavipError)} | {GavipError.error: Unavailable}
    return named.get(error, Unavailable)(message)


def _kinds(of: type[GavipError]) -> Iterator[type[GavipError]]:
    yield of
    for kind in of.__subclasses__():
        yield from _kinds(kind)


def is_full_disk(error: BaseException) -> bool:
    """Tell whether something failed for want of room on a disk."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
