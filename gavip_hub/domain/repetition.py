"""When two jobs make the same of the same, and what differs where they do not."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Made:
    """All that what a job makes depends on, as far as the platform knows."""

    avi: str
    version: str
    commit: str
    pipeline: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    """Parameter -> SHA-256 of the file that it names."""
    archive_url: str = ""
    archive_release: str = ""
    image_digest: str = ""
    platform: str = ""
    environment: str = ""
    gavip: str = ""
    """Version of the platform, which starts jobs and makes nothing of them itself."""
    queries: Sequence[Mapping[str, Any]] = ()
    """As the job's own code told them: known afterwards only."""

    @property
    def values(self) -> dict[str, Any]:
        """Parameters but for files, of which their bytes count."""
        return {name: value for name, value in self.parameters.items() if name not in self.inputs}


def key_of(made: Made) -> str:
    """Return what all jobs have in common that make the same: release, parameters, input bytes, packages, archive release."""
    told = {
        "avi": made.avi,
        "version": made.version,
        "commit": made.commit,
        "pipeline": made.pipeline,
        "parameters": made.values,
        "inputs": dict(made.inputs),
        "archive": [made.archive_url, made.archive_release],
        "packages": [made.image_digest, made.platform, made.environment],
    }
    # Python writes a float as short as it can be read back, and 2 and 2.0 apart: types are the parameters' own.
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_product(repeated: str) -> bool:
    """Tell whether what a job repeats is a product, and not a job, by its id."""
    return repeated.startswith("p")


def changes(before: Made, after: Made) -> list[str]:
    """Return what is not as it was, in words; empty where nothing known is."""
    found = [
        _changed("the release", f"{before.avi} {before.version}", f"{after.avi} {after.version}"),
        _changed("the commit", before.commit[:12], after.commit[:12]),
        _changed("the image", before.image_digest[:19], after.image_digest[:19]),
        _changed("the platform's own packages", before.platform[:19], after.platform[:19]),
        _changed("the packages of the release", before.environment[:12], after.environment[:12]),
        _changed("the platform's version", before.gavip, after.gavip),
        _changed("the archive", before.archive_url, after.archive_url),
        _changed("the archive's data release", before.archive_release, after.archive_release),
        *_of_each("parameter", before.values, after.values),
        *_of_each("input", _shortened(before.inputs), _shortened(after.inputs)),
        *_of_queries(before, after),
    ]
    return [words for words in found if words]


def _of_queries(before: Made, after: Made) -> list[str]:
    """Return how questions and answers of archives differ, one by one in the order in which they were asked."""
    found = []
    for number, (old, new) in enumerate(zip(before.queries, after.queries, strict=False), 1):
        if old.get("adql") != new.get("adql"):
            found.append(f"query {number} is another one")
            continue
        rows = _changed(f"the number of rows of query {number}", old.get("rows"), new.get("rows"))
        releases = (old.get("release"), new.get("release"))
        known = releases == (before.archive_release, after.archive_release)
        found += [rows, "" if known else _changed(f"the data release of query {number}", *releases)]
    told = [f"{len(made.queries)} queries" for made in (before, after)]
    return [*found, _changed("what it asked of archives", *told)]


def _shortened(hashes: Mapping[str, str]) -> dict[str, str]:
    return {name: found[:12] for name, found in hashes.items()}


def _of_each(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = sorted(before.keys() | after.keys())
    return [_changed(f"{kind} {name}", before.get(name), after.get(name)) for name in names]


def _changed(what: str, before: Any, after: Any) -> str:
    if before == after:
        return ""
    return f"{what} was {_shown(before)} and is {_shown(after)}"


def _shown(value: Any) -> str:
    text = "not known" if value in (None, "") else str(value)
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - what a sentence holds
