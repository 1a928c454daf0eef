"""What a job's table says of where its stars come from, read without reading its stars."""

import io
from dataclasses import dataclass
from html import escape
from typing import Self
from xml.etree.ElementTree import ParseError, iterparse

from hr import extract


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The source of a finished diagram."""

    archive: str = ""
    release: str = ""
    asked_at: str = ""
    rights: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, votable: bytes) -> Self:
        """Read the INFO elements that stand before the table; nothing where it is no VOTable."""
        told = list(_infos(votable))
        last = dict(told)
        return cls(
            archive=last.get("publisher", ""),
            release=last.get("resource_version", ""),
            asked_at=last.get("request_date", ""),
            rights=last.get("rights", ""),
            notes=tuple(value for name, value in told if name == "note"),
        )

    @property
    def notice(self) -> str:
        """What nobody must miss, as HTML; empty where the archive answered."""
        if self.archive != extract.NAME:
            return ""
        words = "The archive could not be reached; this diagram is from the bundled extract"
        return f"<p class='hr-notice' role='status'>{words} ({escape(self.release)}).</p>"

    @property
    def small_print(self) -> str:
        """Source, notes and rights, as HTML."""
        if not self.archive:
            return ""
        source = ", ".join(filter(None, [self.archive, self.release, self.asked_at[:10]]))
        words = [f"Source: {source}.", *self.notes, self.rights]
        return f"<p class='hr-quiet'>{escape(' '.join(filter(None, words)))}</p>"


def _infos(votable: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        # The table is the AVI's own, fetched from the user's own jobs; astropy would read all its rows.
        for _, element in iterparse(io.BytesIO(votable), events=("start",)):  # noqa: S314
            tag = element.tag.rpartition("}")[2]
            if tag == "TABLE":
                break
            if tag == "INFO":
                found.append((element.get("name", ""), element.get("value", "")))
    except ParseError:
        return []
    return found
