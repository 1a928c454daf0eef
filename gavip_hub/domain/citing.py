"""How a product is cited: a sentence, and an entry for BibTeX."""

from collections.abc import Sequence
from dataclasses import dataclass

from gavip_hub.domain.bibtex import authors, entry, grouped, latex


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
    """Return the entry."""
    note = f"Made with {cited.avi_title} {cited.version} by {cited.owner}" if cited.avi_title else ""
    fields = {
        "author": authors(cited.authors or [cited.owner]),
        "title": grouped(cited.title),
        "year": str(cited.year),
        "howpublished": latex(f"GAVIP product {cited.product}"),
        "note": latex(note),
        "url": cited.url,
    }
    return entry("misc", f"gavip-{cited.product}", fields)
