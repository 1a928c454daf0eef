"""How an AVI's release is cited: as text, as BibTeX, and as a CITATION.cff file."""

import json
import re
from dataclasses import dataclass
from datetime import date

_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, those behind a backslash too
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}


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
            "author": " and ".join(_grouped(name) for name, _ in self.authors),
            "title": f"{{{_latex(self.title)}}}",
            "version": _latex(self.version),
            "year": str(self.released.year),
            "publisher": "GAVIP",
            "url": self.address,
            "note": f"Commit {self.commit[:10]}",
        }
        key = "".join(sign for sign in f"{self.avi}-{self.version}" if sign.isalnum() or sign == "-")
        lines = [f"  {name} = {{{text}}}" for name, text in fields.items() if text]
        return f"@software{{{key},\n" + ",\n".join(lines) + "\n}\n"

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


def _grouped(name: str) -> str:
    """Return a name that BibTeX takes apart no further where it could be an institute's."""
    return f"{{{_latex(name)}}}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))
