"""What a push may do to an AVI's repository: which names it may move, and which of them are releases."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from avi_kernel.protocol.pushes import RefUpdate
from gavip_hub.exceptions import BadRequest

MAIN = "refs/heads/main"
MOST_UPDATES = 2000
LONGEST_MESSAGE = 2000
_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_TEMPLATE = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})", re.ASCII)
_RELEASE = re.compile(r"v(\d[0-9A-Za-z.+_-]{0,39})")


def released_version(name: str) -> str | None:
    """Return the version that a name stands for: `refs/tags/v1.2.0` is 1.2.0; None where it is no release's."""
    found = _RELEASE.fullmatch(name.removeprefix(_TAG)) if name.startswith(_TAG) else None
    return found.group(1) if found else None


def template_version(name: str) -> str | None:
    """Return the version of a template that a name stands for: `refs/tags/v1.2.0` and `refs/tags/1.2.0` are 1.2.0."""
    found = _TEMPLATE.fullmatch(name.removeprefix(_TAG)) if name.startswith(_TAG) else None
    return found.group(1) if found else None


def newest_template(names: Iterable[str]) -> str | None:
    """Return the whole name of the tag of a template's newest version; None where it has none."""
    found = [
        (tuple(map(int, version.split("."))), name) for name in names if (version := template_version(name))
    ]
    return max(found)[1] if found else None


def refusals(
    updates: Sequence[RefUpdate], *, released: Collection[str], offered: Collection[str] = ()
) -> Iterator[str]:
    """Yield what of a push is not taken, in words.

    Parameters
    ----------
    released
        Versions that are releases already, whatever they are called.
    offered
        Versions of it as a template; AVIs that were made of one are brought on from there, so no version of it changes.
    """
    if len(updates) > MOST_UPDATES:
        yield f"This push changes {len(updates):,} names; {MOST_UPDATES:,} at once are taken: push them in parts."
        return
    kept = {f"{_TAG}v{version}" for version in released}
    for update in updates:
        if not update.name.startswith((_BRANCH, _TAG)):
            yield f"{update.name}: only branches and tags are kept here."
        elif update.name == MAIN and update.is_deletion:
            yield "main: this branch stays; push another state of it instead."
        elif update.name in kept and not update.is_new:
            yield never_changes(update.name)
        elif (
            offered
            and (version := template_version(update.name))
            and (version in offered or not update.is_new)
        ):
            tag = update.name.removeprefix(_TAG)
            yield f"{tag}: is a version of a template, and AVIs were made of it: tag a new version."


def checked_message(text: str) -> str:
    """Return what is said of a commit that somebody makes in the portal.

    Raises
    ------
    gavip_hub.exceptions.BadRequest
        It says nothing, or too much.
    """
    said = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not said or len(said) > LONGEST_MESSAGE:
        raise BadRequest(f"Say in at most {LONGEST_MESSAGE} characters what you changed.", field="message")
    return said


def never_changes(name: str) -> str:
    """Say why a released tag stays as it is."""
    return f"{name.removeprefix(_TAG)}: is released, and a release never changes: tag a new version."
