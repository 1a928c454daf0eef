"""Every page of the portal with something in it, strangers' words above all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from avi_kernel.authoring.wrapping import Wrapped
from avi_kernel.protocol.api import GrantView, Phase, PolicyView, Profile, Suggestion
from avi_kernel.protocol.checks import CheckView
from avi_kernel.protocol.files import (
    BinEntry,
    BinView,
    FileEntry,
    FolderView,
    FoundView,
    UnfinishedUpload,
    UnfinishedView,
)
from avi_kernel.protocol.images import ImageList, ImageView
from avi_kernel.protocol.links import with_values
from avi_kernel.protocol.outside import ImportView, MirrorView
from avi_kernel.protocol.packages import EnvironmentView, PackagesView
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.previews import (
    PreviewAsk,
    PreviewCard,
    PreviewColumn,
    PreviewImage,
    PreviewPart,
    PreviewTable,
    PreviewView,
)
from avi_kernel.protocol.products import (
    ProductFile,
    ProductFiles,
    ProductList,
    ProductView,
    ShareView,
)
from avi_kernel.protocol.projects import MemberView, ProjectView
from avi_kernel.protocol.provenance import (
    AgainView,
    AnswerView,
    ComparisonView,
    Computed,
    InputChange,
    Offer,
    ProductAgainView,
    ProductInput,
    ProvenanceEdge,
    ProvenanceFact,
    ProvenanceNode,
    ProvenanceView,
)
from avi_kernel.protocol.scorecard import CheckedRun, Mark, Scorecard, unjudged
from avi_kernel.protocol.templates import TemplateView
from gavip_hub.domain.badges import badges
from gavip_hub.domain.citation import Cited
from gavip_hub.domain.finding import Question
from gavip_hub.exceptions import NotFound
from gavip_hub.handlers.catalogue_pages import ORDERS, at
from gavip_hub.handlers.charts import charts_of
from gavip_hub.handlers.file_pages import Page, Toast, above
from gavip_hub.handlers.forms import PipelineForm
from gavip_hub.handlers.job_pages import course_of, more_memory_of, results_in_order
from gavip_hub.handlers.previews import Place
from gavip_hub.handlers.product_pages import cards_of
from gavip_hub.handlers.project_files import ShownFile
from gavip_hub.handlers.provenance_picture import picture_of, stations_of
from gavip_hub.handlers.rendering import markdown
from gavip_hub.services.browsing import Folder
from gavip_hub.services.devices import Device
from gavip_hub.services.editing import TextView
from gavip_hub.services.evictions import ClosedServer
from gavip_hub.services.finding import Findings, Shown
from gavip_hub.services.working_copies import CopyView, Seen
from gavip_hub.storage.git_browse import Listing, Made
from gavip_hub.storage.git_drafts import Change
from gavip_hub.storage.git_entries import Entry
from tests.support.portal import AVI, DIAGRAM, NOW, POOLS, README, RELEASE, SERVERS, USAGE, WAIT, job
from tests.support.service import DEVELOPER

EVIL = '<img src=x onerror="alert(1)">'
SCOPES = [f"custom:gavip:{scope}" for scope in DEVELOPER]
DEPRECATED = {"standing": "deprecated", "standing_reason": EVIL}
OPENING = {"avi": "hr-diagram", "title": EVIL, "url": "", "sentence": EVIL, "version": "", "owner": EVIL}
OPENING |= {"starts": "asked", "here": "avis/hr-diagram/open?radius=2&note=%3C", "since": NOW}
_COLUMN = PreviewColumn(name=EVIL, unit=EVIL, ucd=EVIL, about=EVIL, type=EVIL, number=True)
_HELD: dict[str, Any] = {
    "parts": [PreviewPart(id=EVIL, name=EVIL, kind=kind, about=EVIL) for kind in ("image", "link")],
    "part": EVIL,
    "cards": [PreviewCard(key=EVIL, value=EVIL, comment=EVIL)],
    "cards_left_out": 3,
    "problem": EVIL,
}
_PAGES: dict[str, Any] = {"previous": "0", "next": "200", "last": "end", "place": 0.5}
ASK = PreviewAsk(part=EVIL, find=EVIL, stretch="log", cut="levels", low=0.5, high=1e9, plane=2)
PLACE = Place(page="/p", content="/c", download="/d", title=EVIL, size=5, given={"path": EVIL})
VIEWS = [
    PreviewView(kind="text", text=EVIL, **_PAGES),
    PreviewView(kind="csv", table=PreviewTable(columns=[_COLUMN], rows=[[EVIL]]), **_PAGES),
    PreviewView(
        kind="votable",
        table=PreviewTable(columns=[_COLUMN], rows=[[EVIL]], first=101, total=500, columns_left_out=7),
        **_PAGES,
    ),
    PreviewView(kind="votable", table=PreviewTable(columns=[_COLUMN], rows=[], total=0)),
    PreviewView(
        kind="fits", image=PreviewImage(width=4000, height=3000, planes=5, low=0.1, high=2e5, step=4), **_HELD
    ),
    PreviewView(kind="hdf5", **_HELD),
    PreviewView(kind="fits"),
    PreviewView(kind="image", image=PreviewImage(width=40, height=30)),
    *(PreviewView(kind=kind) for kind in ("svg", "pdf", "notebook", "none")),
]
SEEN: dict[str, Any] = {"view": VIEWS[4], "ask": ASK, "place": PLACE}
ROOM = WAIT.model_copy(
    update={
        "reason": EVIL,
        "sooner": [Suggestion(words=EVIL, job="j1"), Suggestion(words=EVIL, server="stars")],
    }
)

PACKAGES = PackagesView(
    folders_mb=120.5,
    files_mb=40,
    environments=[
        EnvironmentView(
            id="e1",
            packages=[EVIL] * 6,
            releases=[f"stars {EVIL}"] * 5,
            offered=True,
            in_use=True,
            folder_mb=120.5,
            files_mb=30,
        ),
        EnvironmentView(
            id="e2", packages=["a 1.0"], releases=["odd 1.0"], offered=False, in_use=False, files_mb=10
        ),
    ],
)
TEMPLATES = [
    TemplateView(
        name=name,
        title=EVIL,
        summary=EVIL,
        source="repository" if project else "packaged",
        project=project,
        address="http://g/t.git",
        version="1.0.0",
        state=state,
        changed_by=EVIL,
    )
    for name, project, state in (("ours", "our-template", "offered"), ("java", None, "retired"))
]

IMAGE = ImageView(
    name="avi-python",
    reference=EVIL,
    kind="avi",
    platform_version="1",
    image_id="sha256:1",
    image_size=5,
    state="none",
    reason=EVIL,
)
MADE = {"state": "ready", "size": 5, "sha256": "0" * 64, "made_at": NOW}
IMAGES = [
    ImageList(
        items=[
            IMAGE,
            IMAGE.model_copy(update={"state": "making", "fraction": 0.5}),
            IMAGE.model_copy(update={"state": "waiting"}),
            IMAGE.model_copy(update=MADE),
        ]
    ),
    ImageList(items=[], reason=EVIL),
]


def everywhere() -> dict[str, Any]:
    """What the base handler gives to every page."""
    person = Profile(name="scientist", roles=["scientist"], scopes=SCOPES)
    return {
        "profile": person,
        "now": NOW,
        "xsrf_field": Markup('<input type="hidden" name="_xsrf">'),
        "notices": (EVIL,),
    }


CARD = Scorecard(
    marks=unjudged(
        [
            Mark(key="tests", state="failed", sentence=EVIL, change=EVIL, details=[EVIL]),
            Mark(key="hosts", state="passed", sentence=EVIL),
        ],
        reason=EVIL,
    ),
    runs=[CheckedRun(name=EVIL, test=EVIL, seconds=1.5, memory_mb=90, asked_mb=200)],
    checked_at=NOW,
)


SHOWN = Shown(
    name="hr-diagram",
    title=EVIL,
    summary=EVIL,
    authors=[EVIL] * 8,
    keywords=[EVIL] * 9,
    version="1.0.0",
    released_at=NOW,
    standing="offered",
    standing_reason="",
    private=False,
    has_interface=True,
    pipelines=1,
    has_picture=False,
    badges=badges(CARD),
    favourite=False,
    used_at=None,
    people=1,
)
CITED = Cited(
    avi="hr-diagram",
    title=EVIL,
    version="1.0.0",
    commit="1" * 40,
    authors=((EVIL, ""), ("H. N. Russell", "")),
    released=NOW.date(),
    address="http://g/services/gavip/avis/hr-diagram",
)
CHAIN = ProvenanceView(
    of="j",
    made_at=NOW,
    nodes=[
        ProvenanceNode(
            id="job:j",
            kind="job",
            type="activity",
            label=EVIL,
            facts=[ProvenanceFact(name="id", value=EVIL)],
            url="/x",
        ),
        ProvenanceNode(id="query:1", kind="query", type="entity", label=EVIL),
    ],
    edges=[ProvenanceEdge(source="job:j", target="query:1", relation="used")],
    notes=[EVIL],
)
COMPARED = ComparisonView(job="j", before="j0", verdict="differs", differences={"a": EVIL}, changes=[EVIL])


def chain(comparison: ComparisonView | None) -> dict[str, Any]:
    """Return what a page shows of where results are from."""
    return {
        "provenance": CHAIN,
        "picture": picture_of(CHAIN),
        "stations": stations_of(CHAIN),
        "comparison": comparison,
    }


def job_page(phase: Phase) -> dict[str, Any]:
    shown = job(phase)
    return {
        "job": shown,
        "own": phase is Phase.ABORTED,
        "wait": WAIT if phase is Phase.QUEUED else None,
        "charts": charts_of(USAGE),
        **chain(None if phase is Phase.PENDING else COMPARED),
        "more_memory": more_memory_of(shown),
        "more_mb": 640 if phase is Phase.ERROR else None,
        "notebook": "user-redirect/lab/tree/jobs/j/1/results/plot.ipynb" if phase is Phase.ERROR else None,
        "live": phase in {Phase.PENDING, Phase.QUEUED, Phase.EXECUTING},
        "here": "/services/gavip/jobs/j",
        "api": "/services/gavip/api/jobs/j",
        "results": results_in_order(shown),
        "course": course_of(shown),
        "units": {"radius": "deg"},
        "log": f"line {EVIL}",
        "log_offset": 0,
        "log_skipped": 10,
        "log_end": "",
    }


def pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every page with something in it."""
    yield from avi_pages()
    yield from job_pages()
    yield from platform_pages()
    yield from server_pages()
    yield from device_pages()
    yield "error.html", {"error": NotFound(EVIL)}
    yield from project_pages()
    yield from copy_pages()
    yield from file_pages()
    yield from product_pages()


def product_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield lists of products, full and empty, one in each state as owner and reader see it, its form and its link."""
    shown: dict[str, Any] = {
        "id": "p1",
        "owner": EVIL,
        "title": EVIL,
        "description": EVIL,
        "files": 2,
        "bytes": 5,
        "copied_bytes": 3,
        "path": EVIL,
        "job": "j",
        "avi": "stars",
        "version": "1.0",
        "avi_title": EVIL,
        "authors": [EVIL],
        "created_at": NOW,
        "container_path": f"shared/me/{EVIL}",
        "citation": EVIL,
        "bibtex": EVIL,
        "licence": "ODbL-1.0",
    }
    products = [
        ProductView(**shown, state=state, reason=EVIL, may=may)
        for state, may in (("READY", "own"), ("READY", "read"), ("MAKING", "own"), ("FAILED", "own"))
    ]
    full = ProductList(items=products, next="p0")
    for which in ("mine", "shared"):
        yield "products.html", {"found": full, "which": which, "later": True}
        yield "products.html", {"found": ProductList(items=[]), "which": which, "later": False}
    file = ProductFile(path=f"a/{EVIL}", size=5, sha256="1" * 64, media_type="text/html")
    files = {"files": ProductFiles(items=[file], next=EVIL), "later": True, "about": markdown(EVIL)}
    shares = [
        ShareView(id="r", product="p1", kind=kind, subject=EVIL, created_at=NOW, expires_at=end)
        for kind, end in (("user", None), ("group", NOW), ("everyone", None), ("link", NOW))
    ]
    said = {"link": EVIL, "problem": EVIL, "told": EVIL, "here": "/services/gavip/products/p1"}
    looked_at = [
        ProductFile(path=f"{EVIL}{end}", size=5, sha256="1" * 64, media_type=EVIL)
        for end in (".png", ".csv", ".ipynb")
    ]
    said["cards"] = cards_of(f"/services/gavip/products/{products[0].id}", looked_at)
    for product in products:
        drawn = {name: part for name, part in chain(None).items() if name != "comparison"}
        yield "product.html", {"product": product, **files, "shares": shares, **said, **drawn}
    bare = {"files": ProductFiles(items=[]), "later": False, "about": "", "shares": []}
    bare |= {"link": "", "problem": "", "told": "", "provenance": None, "cards": []}
    yield "product.html", {"product": products[0], **said, **bare}
    one = ProductFile(path=EVIL, size=5, sha256="0" * 64, media_type="text/plain")
    yield from product_again_pages(products[:2])
    here = "/services/gavip/p/s"
    for by_link in (False, True):
        yield (
            "product_file.html",
            {"product": products[0], "file": one, "here": here, "by_link": by_link, **SEEN},
        )
    linked = {"cards": cards_of(here, looked_at), "here": here, "ends_at": None}
    yield "product_link.html", {"product": products[1], **files, **linked}
    for given in ({"path": EVIL, "job": ""}, {"path": "", "job": EVIL}):
        values = {**given, "title": EVIL, "description": f"</textarea>{EVIL}", "licence": EVIL}
        yield "product_new.html", {"given": values, "results": [EVIL], "problem": EVIL}


def product_again_pages(products: list[ProductView]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what running a product's job again takes: what is found, what is asked for, and what is refused."""
    wanted = [
        ProductInput(parameter="stars", path=EVIL, sha256="1" * 64, yours=EVIL),
        ProductInput(parameter="list", path=EVIL, sha256="2" * 64),
    ]
    values = {"stars": EVIL, "list": EVIL, "radius": EVIL}
    again = ProductAgainView(
        product="p1", avi="stars", version="1.0", pipeline="match", parameters=values, inputs=wanted
    )
    common = {"inputs": {"stars", "list"}, "files": [EVIL], "given": {"list": EVIL}}
    for product in products:
        refused = {"problem": EVIL, "differs": True}
        yield "product_again.html", {"product": product, "again": again, **common, **refused}
    gone = ProductAgainView(product="p1", reason=EVIL)
    nothing: dict[str, Any] = {"inputs": set(), "files": [], "given": {}, "problem": "", "differs": False}
    yield "product_again.html", {"product": products[0], "again": gone, **nothing}


def avi_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the catalogue, and the pages of an AVI and of its pipeline."""
    form = PipelineForm.sent(RELEASE, DIAGRAM, {"p.radius": EVIL, "memory_mb": EVIL}).checked()
    yield from catalogue_pages()
    shown = {
        "avi": AVI,
        "release": RELEASE,
        "pinned": False,
        "versions": [RELEASE],
        "forms": [form],
        "readme": markdown(README),
        "server": SERVERS[0],
        "project": True,
        "grants": GrantView(avi="hr-diagram", own="avis/hr-diagram", folders=["data/maps", EVIL]),
        "pool": POOLS[0],
        "link": {},
        "with_values": with_values,
        "citation": CITED,
        "favourite": False,
        "answers_only": False,
        "answer": None,
    }
    shown |= {"check": CheckView(wanted=True, job="j", scorecard=CARD), "me": "dora", "writes": True}
    yield "avi.html", shown
    yield "avi.html", {**shown, "check": CheckView(wanted=True, job="j"), "writes": False}
    by_link = {"radius": EVIL, "note": EVIL}
    linked = PipelineForm.linked(RELEASE, DIAGRAM, by_link)
    yield "avi.html", {**shown, "forms": [linked], "link": by_link, "favourite": True}
    old = RELEASE.model_copy(update=DEPRECATED)
    yield (
        "avi.html",
        {**shown, "release": old, "versions": [RELEASE, old.model_copy(update={"version": "0.1"})]},
    )
    told: dict[str, Any] = {"avi_title": EVIL, "pool": POOLS[0], "answers_only": False, "answer": None}
    yield "pipeline.html", {"form": form, **told}
    offer = Offer(product="p1", owner=EVIL, title=EVIL, ended_at=NOW, url="/services/gavip/products/p1")
    yield "pipeline.html", {"form": replace(form, offer=offer), **told}
    values = {"radius": EVIL, "note": EVIL}
    there = Computed(offer=offer, version="1.0", pipeline="diagram", parameters=values)
    for answer in (AnswerView(computed=[there]), AnswerView(), None):
        yield "pipeline.html", {"form": form, **told, "answers_only": True, "answer": answer}
    yield from file_choices()


def file_choices() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a form that takes a file, and the page that chooses one: in a folder, among what was found, and empty."""
    reads = DIAGRAM.model_copy(
        update={"parameters": [*DIAGRAM.parameters, ParameterSpec(name="stars", type="file", title=EVIL)]}
    )
    form = replace(PipelineForm.sent(RELEASE, reads, {"p.label": EVIL}), files=[EVIL])
    told: dict[str, Any] = {"avi_title": EVIL, "pool": POOLS[0], "answers_only": False, "answer": None}
    yield "pipeline.html", {"form": form.with_file("stars", EVIL), **told}
    times = {"modified_at": NOW, "etag": ""}
    inside = [
        FileEntry(name=EVIL, path=f"{EVIL}/{EVIL}", is_folder=is_folder, size=5, **times)
        for is_folder in (True, False)
    ]
    chosen: dict[str, Any] = {"form": form, "field": form.file_field("stars"), "found": None, "text": EVIL}
    for path, items in ((EVIL, inside), ("shared/me", []), (EVIL, []), ("", [])):
        folder = FolderView(path=path, items=items, more=bool(items))
        yield "pipeline_file.html", chosen | {"folder": folder, "above": above(path)}
    for found in (FoundView(items=inside, more=True), FoundView(items=[])):
        folder = FolderView(path="", items=[])
        yield "pipeline_file.html", chosen | {"folder": folder, "above": [], "found": found}


def catalogue_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the catalogue: full, narrowed, with nothing found, and empty."""
    asked = {"question": Question(), "query": "", "orders": ORDERS, "at": at}
    liked = replace(SHOWN, favourite=True, used_at=NOW, private=True, has_picture=True)
    items = [SHOWN, liked, replace(SHOWN, standing="deprecated", standing_reason=EVIL)]
    found = Findings(items=items, total=100, page=2, pages=5, keywords=[(EVIL, 3), ("stars", 1)])
    narrowed = Question.of(EVIL, [EVIL], "newest")
    nothing = replace(found, items=[], total=0, page=1, pages=1, keywords=[])
    yield "catalogue.html", {**asked, "found": found}
    yield "catalogue.html", {**asked, "found": found, "question": narrowed, "query": EVIL}
    yield "catalogue.html", {**asked, "found": nothing, "question": narrowed, "query": EVIL}
    yield "catalogue.html", {**asked, "found": nothing, "question": Question.of("", [EVIL])}
    yield "catalogue.html", {**asked, "found": nothing}


def job_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the list of jobs, and a job in each phase with what it left."""
    yield (
        "jobs.html",
        {
            "jobs": [job(phase, title=EVIL) for phase in Phase],
            "next": "j",
            "phase": "",
            "avi": "",
            "older": True,
        },
    )
    yield "jobs.html", {"jobs": [], "next": None, "phase": "", "avi": "", "older": False}
    for phase in Phase:
        yield "job.html", job_page(phase)
    entry = results_in_order(job(Phase.COMPLETED))[0]
    changed = [InputChange(parameter="stars", path=EVIL, words="is gone")]
    yield "again.html", {"job": job(), "again": AgainView(job="j", differing=changed), "problem": ""}
    yield "again.html", {"job": job(), "again": AgainView(job="j", reason=EVIL), "problem": EVIL}
    for view in VIEWS:
        yield (
            "result.html",
            {"job": job(), "entry": entry, "view": view, "ask": ASK, "place": PLACE, **chain(None)},
        )
    yield "file_view.html", {"file": EVIL, "name": EVIL, "above": [(EVIL, EVIL)], "modified_at": NOW, **SEEN}
    yield "log.html", {"job": job(), "log": EVIL, "more": 5}


def platform_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operator's page."""
    yield (
        "platform.html",
        {
            "pool": POOLS[-1],
            "choice": PolicyView(policy="fifo", installed=["fifo", EVIL]),
            "meanings": {"fifo": "The oldest comes first."},
            "templates": TEMPLATES,
            "archives_mb": 1500,
            "packages": PACKAGES,
            "asked": True,
            "policies": ["fifo", EVIL],
            "jobs": 12,
            "rows": [("wait, median", ["1 s", "2 s"])],
        },
    )


def server_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the list of servers, and one that is being opened."""
    closing = [SERVERS[0].model_copy(update={"reason": EVIL, "closes_at": NOW})]
    closed = [ClosedServer(avi="hr-diagram", version="1.0.0", at=NOW, reason=EVIL)]
    titles = {"titles": {"hr-diagram": EVIL}, "pools": POOLS}
    yield "servers.html", {"servers": SERVERS, "closed": [], **titles}
    yield "servers.html", {"servers": closing, "closed": closed, **titles}
    yield (
        "opening.html",
        {**OPENING, "state": "waiting", "wait": ROOM},
    )
    yield "opening.html", {**OPENING, "state": "starting", "wait": None}
    for starts in ("asked", "itself", "foreign"):
        yield "opening.html", {**OPENING, "state": "closed", "starts": starts, "since": None, "wait": None}


def copy_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the page of a working copy: with changes, with such as cannot be taken, and with none."""
    project = ProjectView(
        name="stars", owner="dora", git_url="http://g/stars.git", source="public", may="own"
    )
    here = Seen(main="1" * 40, base="1" * 40, digest="2" * 64)
    copy = CopyView(
        folder="projects/stars",
        notebooks=[f"{EVIL}.ipynb"],
        changes=[Change(path=EVIL, kind="added")],
        lines=f"+{EVIL}",
        has_all_lines=False,
        seen=here,
        hindrance="",
    )
    behind = replace(copy, seen=replace(here, main="3" * 40))
    for shown in (
        copy,
        behind,
        replace(behind, hindrance=EVIL, lines=""),
        replace(copy, changes=[], notebooks=[]),
    ):
        yield "project_copy.html", {"project": project, "copy": shown, "problem": EVIL, "message": EVIL}
    file = TextView(path=f"a/{EVIL}", text=EVIL, blob="1" * 40)
    said = {"problem": EVIL, "lines": EVIL, "message": EVIL, "text": f"</textarea>{EVIL}"}
    yield "project_edit.html", {"project": project, "path": file.path, "file": file, **said}


def device_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the steps of signing a command in."""
    device = Device(key="k", user_code="BCDF-GHJK", note=EVIL, address=EVIL, begun=0.0, asked_at=0.0)
    for step in ("ask", "decide", "refused", "done"):
        yield "device.html", {"step": step, "device": device, "problem": EVIL, "may": ["read:jobs"]}


def file_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pages of one's own files, full and empty."""
    times = {"modified_at": NOW, "etag": ""}
    inside = [
        FileEntry(name="maps", path=f"{EVIL}/maps", is_folder=True, size=None, **times),
        FileEntry(name=f"{EVIL}.ipynb", path=f"{EVIL}/{EVIL}.ipynb", is_folder=False, size=5, **times),
    ]
    folder = FolderView(path=EVIL, items=inside, more=True, total=2)
    begun = UnfinishedUpload(id="0" * 32, path=EVIL, size=5, offset=2, touched_at=NOW, kept_until=NOW)
    none = UnfinishedView(items=[], size=0, most=8)
    done = {"toast": Toast(words="2 things moved to the bin.", undo=EVIL), "problem": EVIL, "may_write": True}
    shown = {
        "sort": "-size",
        "page": Page(number=2, total=2, more=True),
        "pool": POOLS[0],
        "unfinished": UnfinishedView(items=[begun], size=5, most=8),
        "webdav": EVIL,
        **done,
    }
    above = [(EVIL, EVIL)]
    yield "files.html", {"folder": folder, "above": above, "renaming": "", **shown}
    yield "files.html", {"folder": folder, "above": above, "renaming": "maps", **shown}
    nothing = {"sort": "name", "page": Page(number=1, total=0, more=False), "pool": POOLS[0], "renaming": ""}
    silent: dict[str, Any] = {"toast": None, "problem": "", "may_write": False, "webdav": ""}
    for path, way in (("", []), (EVIL, above), ("shared/me", [("shared", "shared"), ("me", "shared/me")])):
        empty = FolderView(path=path, items=[])
        yield "files.html", {"folder": empty, "above": way, "unfinished": none, **nothing, **silent}
    yield (
        "files_place.html",
        {"chosen": [EVIL] * 4, "here": EVIL, "folder": folder, "above": above, "problem": ""},
    )
    binned = BinEntry(id="d1-000", path=EVIL, size=5, deleted_at=NOW, kept_until=NOW)
    yield "files_bin.html", {"bin": BinView(items=[binned]), **done}
    yield "files_bin.html", {"bin": BinView(items=[]), **silent}
    for found in (None, FoundView(items=[]), FoundView(items=inside, more=True)):
        yield "files_found.html", {"found": found, "text": EVIL, "path": EVIL, "above": above}


def _listed(projects: list[ProjectView]) -> Iterator[tuple[str, dict[str, Any]]]:
    listed = {"projects": projects, "may_make": True, "templates": TEMPLATES, "notebook": EVIL}
    none = {"projects": [], "may_make": False, "templates": [], "notebook": "", "images": None}
    made = Wrapped(files={}, found=[EVIL] * 41, open=[EVIL])
    unread: dict[str, Any] = {"proposed": None, "problem": ""}
    for chosen in ({"proposed": made, "problem": ""}, {"proposed": None, "problem": EVIL}):
        for images in IMAGES:
            yield "projects.html", {"git": "http://g", **listed, **chosen, "images": images}
    for some in (none, none | {"notebook": EVIL}):
        yield "projects.html", {"git": "http://g", **unread, **some}


def project_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pages of projects, full and empty, as an owner and a reader see them."""
    member = MemberView(user=EVIL, may="read")
    project = ProjectView(
        name="stars", owner="dora", git_url="http://g/stars.git", source="public", may="own", members=[member]
    )
    reader = project.model_copy(update={"may": "read", "source": "private", "owner": EVIL})
    made = Made(commit="1" * 40, author=EVIL, at=NOW, subject=EVIL, body=EVIL)
    entries = [
        Entry(mode=mode, object_id="1" * 40, size=5, path=EVIL) for mode in ("040000", "100644", "160000")
    ]
    folder = Folder(
        branch=EVIL, path=f"a/{EVIL}", listing=Listing(entries=tuple(entries), more=True), history=[made]
    )
    file = ShownFile(name=EVIL, title=EVIL, size=5, preview="text", content="/c", download="/d")
    yield from _listed([project, reader])
    outside: dict[str, Any] = {
        "imported": ImportView(avi="stars", url=EVIL, state="failed", message=EVIL, begun_at=NOW),
        "mirror": MirrorView(
            avi="stars", url=EVIL, has_token=True, state="waiting", message=EVIL, next_at=NOW, done_at=NOW
        ),
    }
    gone = {"standing": "withdrawn", "standing_reason": EVIL}
    others = [
        RELEASE.model_copy(update=update)
        for update in (DEPRECATED, gone, {**gone, "withdrawn_by_operator": True})
    ]
    built = {"build": "j", "submitter": "dora", "reason": EVIL}
    others += [
        RELEASE.model_copy(update={**built, "state": state}) for state in ("BUILDING", "FAILED", "READY")
    ]
    outside |= {"me": "dora"}
    yield "project.html", {"project": project, "folder": folder, "releases": [RELEASE, *others], **outside}
    nothing = {"imported": None, "mirror": None, "me": "ann"}
    yield "project.html", {"project": reader, "folder": None, "releases": [], **nothing}
    for state in ("waiting", "done"):
        going = {
            name: view.model_copy(update={"state": state, "message": ""})
            for name, view in outside.items()
            if name != "me"
        } | {"me": "dora"}
        yield "project.html", {"project": project, "folder": None, "releases": [], **going}
    yield "project_folder.html", {"project": project, "folder": folder, "path": folder.path}
    shown = {"entry": file, **SEEN}
    for edited in ("here", "lab"):
        yield "project_file.html", {"project": project, "path": folder.path, "edited": edited, **shown}
