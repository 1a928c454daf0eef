"""The catalogue, and what belongs to the entries of it: favourites, pictures, citations."""

import hashlib
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlencode

from typing_extensions import override

from avi_kernel.protocol.pictures import LARGEST_PICTURE, PictureProblem, picture_kind, picture_parts
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.config import Gavip
from gavip_hub.domain.citation import Cited
from gavip_hub.domain.finding import LONGEST_QUERY, Order, Question
from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import Sent, send_file
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.storage.beneath import open_file

CITATION_FILE = "CITATION.cff"
LARGEST_CITATION = 256 * 1024
LONGEST_PAGE = 6
"""Digits of a page's number."""
ORDERS: tuple[tuple[Order, str], ...] = (
    ("relevance", "Yours first"),
    ("used", "Most used"),
    ("newest", "Newest"),
)


class CataloguePage(PortalPage):
    """The AVIs that the asker may run."""

    nav = "catalogue"

    @override
    async def get(self) -> None:
        text = self.get_query_argument("q", "")[:LONGEST_QUERY]
        question = Question.of(text, self.get_query_arguments("k"), self.get_query_argument("sort", ""))
        found = await self.in_thread(
            self.services.finding.find, viewer=self.owner, question=question, page=_page(self)
        )
        self.render_page("catalogue.html", found=found, question=question, query=text, orders=ORDERS, at=at)


def _page(handler: PortalPage) -> int:
    number = handler.get_query_argument("page", "1")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= LONGEST_PAGE else 1


def at(text: str, question: Question, **changed: Any) -> str:
    """Return the query string of the catalogue with something changed; what is as it is by default is left out."""
    order = changed.get("order", question.order)
    page = changed.get("page", 1)
    fields: list[tuple[str, str]] = [("q", text)] if text else []
    fields += [("k", word) for word in changed.get("keywords", question.keywords)]
    fields += [("sort", order)] if order != "relevance" else []
    fields += [("page", str(page))] if page > 1 else []
    return f"?{urlencode(fields)}" if fields else ""


class FavouriteForm(PortalPage):
    """Put an AVI among those that the asker sees first, or take it away from there."""

    @override
    async def post(self, name: str) -> None:
        sent = self.sent()
        wanted = sent.get("wanted") != "no"
        await self.in_thread(self.services.finding.favour, user=self.owner, avi=name, wanted=wanted)
        if "from" not in sent:
            self.go(f"avis/{name}")
            return
        # Taken apart and put together again: a form leads to no other place.
        fields = parse_qs(sent["from"][:2000].removeprefix("?"))
        text = fields.get("q", [""])[0][:LONGEST_QUERY]
        question = Question.of(text, fields.get("k", []), fields.get("sort", [""])[0])
        page = fields.get("page", ["1"])[0]
        digits = page.isascii() and page.isdigit() and len(page) <= LONGEST_PAGE
        self.go(at(text, question, page=int(page) if digits else 1))


class PictureFile(PortalPage):
    """The picture that an author gave to a release's interface: a stranger's file, shown as a picture or not at all."""

    @override
    async def get(self, name: str) -> None:
        version = self.get_query_argument("version", "")
        tree, path = await self.in_thread(
            self.services.finding.picture, viewer=self.owner, avi=name, version=version
        )
        file, kind, etag = await self.context.file_threads(_opened_picture, tree, path)
        with file:
            await send_file(self, Sent(file=file, name=name, media_type=kind, etag=etag, inline=True))


def _opened_picture(tree: Path, path: str) -> tuple[BinaryIO, str, str]:
    """Open a picture; looked at again, since its tree lies on a disk.

    Raises
    ------
    NotFound
        It is no picture that is shown.
    """
    file = open_file(tree, picture_parts(path))
    try:
        content = file.read(LARGEST_PICTURE + 1)
        kind = picture_kind(content) if len(content) <= LARGEST_PICTURE else ""
    except PictureProblem:
        kind = ""
    if not kind:
        file.close()
        raise NotFound("This AVI has no picture that can be shown.")
    return file, kind, hashlib.sha256(content).hexdigest()[:32]


class CitationFile(PortalPage):
    """A release's CITATION.cff: its author's own, or one of what the manifest says."""

    @override
    async def get(self, name: str) -> None:
        release: ReleaseView = await self.in_thread(
            self.services.releases.get,
            viewer=self.owner,
            avi=name,
            version=self.get_query_argument("version", "") or None,
        )
        tree = self.services.finding.tree(avi=name, commit=release.commit)
        own = await self.context.file_threads(_own_citation, tree)
        content = own if own is not None else cited(self.context.config, release).cff.encode()
        self.set_header("Content-Type", "application/yaml; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{CITATION_FILE}"')
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.finish(content)


def _own_citation(tree: Path) -> bytes | None:
    try:
        with open_file(tree, [CITATION_FILE]) as file:
            content = file.read(LARGEST_CITATION + 1)
    except NotFound:
        return None
    return content if len(content) <= LARGEST_CITATION else None


def cited(config: Gavip, release: ReleaseView) -> Cited:
    """Return how a release is cited."""
    manifest = release.spec.manifest
    version = urlencode({"version": release.version})
    return Cited(
        avi=release.avi,
        title=manifest.title or release.avi,
        version=release.version,
        commit=release.commit,
        authors=tuple((author.name, author.orcid) for author in manifest.authors),
        released=release.created_at.date(),
        address=f"{config.public_url}{PREFIX}/avis/{release.avi}?{version}",
        licence=manifest.licence,
    )


def catalogue_routes(avi: str) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of the catalogue.

    Parameters
    ----------
    avi
        Pattern of an AVI's address.
    """
    return [
        (f"{PREFIX}/?", CataloguePage, {}),
        (f"{avi}/favourite", FavouriteForm, {}),
        (f"{avi}/picture", PictureFile, {}),
        (f"{avi}/CITATION\\.cff", CitationFile, {}),
    ]
