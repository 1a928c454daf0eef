"""Every page of the portal, by the template that it is made of and an address in the filled platform."""

from dataclasses import dataclass

OPERATOR = "olga"
DEVELOPER = "user00"
"""Of whom all have projects, and one alone is asked for pages of which one is enough."""
FOLDER = "data/many"
LINK = "a-secret-that-was-told-to-a-colleague-0001"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page, and how it is asked for."""

    name: str
    template: str
    path: str
    """With `{avi}` (one of a hundred, in turn), `{own}` (an AVI of who asks), `{job}`, `{failed}`, and products; see `Grown.told`."""
    asker: str = ""
    """Who asks for it; nothing: each of all."""
    status: int = 200
    is_kept: bool = False
    """Whether something of what was read for it is found again the next time: the first time is measured apart."""


PAGES = (
    Page(name="catalogue", template="catalogue.html", path="/"),
    Page(name="catalogue, a word", template="catalogue.html", path="/?q=clus"),
    Page(name="catalogue, three words", template="catalogue.html", path="/?q=colour+mag+user0"),
    Page(name="catalogue, a keyword, newest", template="catalogue.html", path="/?k=stars&sort=newest"),
    Page(name="catalogue, last page", template="catalogue.html", path="/?page=9999"),
    Page(name="an AVI", template="avi.html", path="/avis/{avi}"),
    Page(name="an AVI by a link", template="avi.html", path="/avis/{avi}?radius=2&bins=200"),
    Page(name="an AVI of one's own", template="avi.html", path="/avis/{own}"),
    Page(name="a pipeline's form", template="pipeline.html", path="/avis/{avi}/pipelines/diagram"),
    Page(
        name="a form's proposal of memory",
        template="pipeline.html",
        path="/avis/{avi}/pipelines/diagram/memory?p.radius=2",
    ),
    Page(
        name="a form, filled by a job",
        template="pipeline.html",
        path="/avis/{of_job}/pipelines/diagram?again={job}",
    ),
    Page(name="opening", template="opening.html", path="/avis/{avi}/open"),
    Page(name="jobs", template="jobs.html", path="/jobs"),
    Page(name="jobs, a later page", template="jobs.html", path="/jobs?before={old}"),
    Page(name="jobs, completed", template="jobs.html", path="/jobs?phase=COMPLETED"),
    Page(name="jobs, cancelled", template="jobs.html", path="/jobs?phase=ABORTED"),
    Page(name="jobs of an AVI", template="jobs.html", path="/jobs?avi={avi}"),
    Page(name="jobs of an AVI, failed", template="jobs.html", path="/jobs?avi={avi}&phase=ERROR"),
    Page(name="a job", template="job.html", path="/jobs/{job}"),
    Page(name="a job that failed", template="job.html", path="/jobs/{failed}"),
    Page(
        name="a result, a table", template="result.html", path="/jobs/{job}/results/sample.csv", is_kept=True
    ),
    Page(name="a result, an image", template="result.html", path="/jobs/{job}/results/hr.png"),
    Page(name="a log", template="log.html", path="/jobs/{job}/log"),
    Page(name="servers", template="servers.html", path="/servers"),
    Page(name="files", template="files.html", path="/files"),
    Page(
        name="a folder of 10,000",
        template="files.html",
        path=f"/files?path={FOLDER}",
        asker=DEVELOPER,
        is_kept=True,
    ),
    Page(
        name="a folder of 10,000, by size",
        template="files.html",
        path=f"/files?path={FOLDER}&sort=-size&page=50",
        asker=DEVELOPER,
        is_kept=True,
    ),
    Page(
        name="a place for files",
        template="files_place.html",
        path=f"/files/place?path={FOLDER}/f00001.csv&to=data",
        asker=DEVELOPER,
    ),
    Page(
        name="files by name, of 10,000",
        template="files_found.html",
        path="/files/find?text=f0099",
        asker=DEVELOPER,
    ),
    Page(name="the bin", template="files_bin.html", path="/files/bin"),
    Page(
        name="a file, a table",
        template="file_view.html",
        path="/files/view?path=data/stars.csv",
        is_kept=True,
    ),
    Page(name="products", template="products.html", path="/products"),
    Page(name="products that others share", template="products.html", path="/products?which=shared"),
    Page(
        name="products, a later page",
        template="products.html",
        path="/products?which=shared&before={middle}",
    ),
    Page(name="a product", template="product.html", path="/products/{product}"),
    Page(name="another's product", template="product.html", path="/products/{theirs}"),
    Page(
        name="a product's file",
        template="product_file.html",
        path="/products/{theirs}/view?path=tables/stars.csv",
    ),
    Page(
        name="another's product, to run it again",
        template="product_again.html",
        path="/products/{theirs}/again",
    ),
    Page(name="a product by its link", template="product_link.html", path=f"/p/{LINK}"),
    Page(name="a new product", template="product_new.html", path="/products/new?job={job}"),
    Page(name="projects", template="projects.html", path="/projects"),
    Page(name="a project", template="project.html", path="/projects/{own}"),
    Page(name="a project's folder", template="project_folder.html", path="/projects/{own}/files/pipelines"),
    Page(name="a project's file", template="project_file.html", path="/projects/{own}/files/README.md"),
    Page(name="a file, edited", template="project_edit.html", path="/projects/{own}/edit/README.md"),
    Page(name="a working copy", template="project_copy.html", path="/projects/{own}/copy", is_kept=True),
    Page(name="platform", template="platform.html", path="/platform", asker=OPERATOR),
    Page(name="sign a command in", template="device.html", path="/device"),
    Page(name="no such page", template="error.html", path="/nothing", status=404),
)
NOT_ASKED = {
    "again.html": "It only answers a form that could not be granted.",
    "pipeline_file.html": "It only answers a form that asks for a file.",
}
"""Templates that no address alone leads to."""
