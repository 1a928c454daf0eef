"""How an AVI's release is cited: as text, as BibTeX, and as a CITATION.cff file."""

import json
import re
from dataclasses import dataclass
from datetime import date

from gavip_hub.domain.bibtex import authors, entry, grouped, latex

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A release, by what a citation says of it."""

    avi: str
    title: str
    version: str
    commit: str
    authors: tuple[tuple[str, str], ...]
    """Name and ORCID iD, which may be empty."""
    released: date
    address: str
    licence: str = ""

    @property
    def text(self) -> str:
        """One line."""
        who = _listed([name for name, _ in self.authors])
        by = f"{who} ({self.released.year}). " if who else f"({self.released.year}). "
        return f"{by}{self.title}, version {self.version} [software]. GAVIP. {self.address}"

    @property
    def bibtex(self) -> str:
        """An entry for a bibliography."""
        fields = {
            "author": authors(name for name, _ in self.authors),
            "title": grouped(self.title),
            "version": latex(self.version),
            "year": str(self.released.year),
            "publisher": "GAVIP",
            "url": self.address,
            "note": f"Commit {self.commit[:10]}",
        }
        return entry("software", f"{self.avi}-{self.version}", fields)

    @property
    def cff(self) -> str:
        """A file in the Citation File Format 1.2; texts in JSON's quotes are YAML's as well."""
        lines = [
            "cff-version: 1.2.0",
            'message: "If you use this software, please cite it as below."',
            "type: software",
            f"title: {_quoted(self.title)}",
            f"version: {_quoted(self.version)}",
            f"commit: {_quoted(self.commit)}",
            f"date-released: {self.released.isoformat()}",
            f"url: {_quoted(self.address)}",
            *([f"license: {self.licence}"] if _SPDX.fullmatch(self.licence) else []),
            "authors:",
        ]
        for name, orcid in self.authors or (("Unknown", ""),):
            lines.append(f"  - name: {_quoted(name)}")
            if found := _ORCID.fullmatch(orcid.strip()):
                lines.append(f"    orcid: https://orcid.org/{found.group(1)}")
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
