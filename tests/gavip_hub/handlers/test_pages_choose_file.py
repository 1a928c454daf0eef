"""A file is chosen for a field of a form: from folder to folder, with all that was typed kept."""

import re
from html import unescape

import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from tests.support.avis import notebook, write_avi

PAGE = "/avis/reads/pipelines/main"
TYPED = {"choose": "stars", "p.stars": "", "p.label": "a <b>", "memory_mb": "300", "version": "1.0"}


@pytest.fixture(autouse=True)
def space(service):
    """Dora's space with a folder of data, and an AVI that reads a file."""
    code = notebook("print(stars)", parameters="stars: Path\nlabel: str = 'x'\nmore: int = 1")
    home = service.root / "users" / "dora"
    write_avi(home / "reads", {"avi.toml": "title = 'Reads'", "pipelines/main.ipynb": code})
    service.service.core.releases.submit(
        submitter="dora", request=ReleaseSubmit(folder="reads", avi="reads", version="1.0")
    )
    (home / "data" / "maps").mkdir(parents=True)
    (home / "data" / "a.csv").write_text("ra\n")
    return home


def fields(page) -> dict[str, str]:
    """Return what the page's form holds, by name."""
    found = re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


async def test_the_form_offers_to_choose_a_file_and_enter_still_runs_it(portal):
    page = (await portal.get(PAGE)).text
    assert f'formaction="/services/gavip{PAGE}/file"' in page
    form = page[page.index("data-pipeline-form") :]
    assert re.search(r"<button[^>]*>([^<]*)", form)[1] == "Run"


async def test_folders_are_walked_and_what_was_typed_is_carried_along(portal):
    top = await portal.post(f"{PAGE}/file", data=TYPED)
    assert 'name="folder" value="data"' in top.text
    assert 'name="folder" value="shared"' in top.text
    inside = await portal.post(f"{PAGE}/file", data=fields(top) | {"folder": "data"})
    assert 'name="file" value="data/a.csv"' in inside.text
    assert fields(inside) | TYPED == fields(inside)


async def test_the_chosen_file_stands_in_its_field_and_the_rest_is_as_it_was(portal):
    form = await portal.post(f"{PAGE}/file", data=TYPED | {"file": "data/a.csv"})
    assert fields(form)["p.stars"] == "data/a.csv"
    assert (fields(form)["p.label"], fields(form)["memory_mb"]) == ("a <b>", "300")
    assert re.search(r'name="p.stars"[^>]* autofocus', form.text)


async def test_who_goes_back_without_a_file_finds_the_form_as_it_was(portal):
    form = await portal.post(f"{PAGE}/file", data=TYPED | {"p.stars": "old.csv", "leave": "yes"})
    assert fields(form)["p.stars"] == "old.csv"
    assert fields(form)["p.label"] == "a <b>"


async def test_it_begins_where_the_file_lies_that_the_field_names(portal):
    page = await portal.post(f"{PAGE}/file", data=TYPED | {"p.stars": "data/a.csv"})
    assert 'value="data/a.csv"' in page.text
    lost = await portal.post(f"{PAGE}/file", data=TYPED | {"p.stars": "gone/../../x"})
    assert 'name="folder" value="data"' in lost.text


async def test_a_name_is_searched_for_in_the_whole_space(portal):
    page = await portal.post(f"{PAGE}/file", data=TYPED | {"find": "a.cs", "look": "yes"})
    assert 'name="file" value="data/a.csv"' in page.text
    none = await portal.post(f"{PAGE}/file", data=TYPED | {"find": "nebula", "look": "yes"})
    assert "No name holds “nebula”" in none.text


async def test_a_path_that_is_none_is_told_at_its_field(portal):
    form = await portal.post(f"{PAGE}/file", data=TYPED | {"file": "../../etc/passwd"})
    assert re.search(r'name="p.stars"[^>]* aria-invalid="true"', form.text)


@pytest.mark.parametrize("choose", ["label", "none", ""])
async def test_only_a_field_for_files_has_one_chosen(portal, choose):
    assert (await portal.post(f"{PAGE}/file", data=TYPED | {"choose": choose})).status_code == 404


async def test_the_address_alone_leads_to_the_form(portal):
    answer = await portal.get(f"{PAGE}/file")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/services/gavip{PAGE}")
    assert (await portal.get("/avis/none/pipelines/main/file")).status_code == 404
