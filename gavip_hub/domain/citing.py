"""How a product is cited: a sentence, and an entry for BibTeX."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(r"[\\{}%&#_$~^]")
_WORDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True, kw_only=True)
class Cited:
    """What a citation is made of."""

    product: str
    title: str
    owner: str
    authors: Sequence[str]
    """Of the AVI that made it; none: its owner made it by hand."""
    avi_title: str
    version: str
    year: int
    url: str


def citation(cited: Cited) -> str:
    """Return the sentence: who, when, what, made with what, where."""
    who = ", ".join(cited.authors) or cited.owner
    made = f" Made with {cited.avi_title} {cited.version} by {cited.owner}." if cited.avi_title else ""
    return f"{who} ({cited.year}): {cited.title}.{made} GAVIP product {cited.product}, {cited.url}"


def bibtex(cited: Cited) -> str:
    """Return the entry; every name and title is escaped, since it is some person's text."""
    note = f"Made with {cited.avi_title} {cited.version} by {cited.owner}" if cited.avi_title else ""
    fields = {
        "author": " and ".join(f"{{{_escaped(one)}}}" for one in (cited.authors or [cited.owner])),
        "title": f"{{{_escaped(cited.title)}}}",
        "year": str(cited.year),
        "howpublished": _escaped(f"GAVIP product {cited.product}"),
        "note": _escaped(note),
        "url": cited.url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{gavip-{cited.product},", *lines, "}"])


def _escaped(text: str) -> str:
    line = " ".join(text.split())
    return _SPECIAL.sub(lambda found: _WORDS.get(found[0], f"\\{found[0]}"), line)
