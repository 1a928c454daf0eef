"""Projects made of notebooks, and releases of what a main branch has: without a terminal."""

import pytest

from gavip_hub.exceptions import BadManifest, BadRequest, Conflict, Forbidden, NotFound
from gavip_hub.services.authoring import AuthoringService
from gavip_hub.services.projects import ProjectService
from gavip_hub.storage.repositories import Repositories
from tests.support.avis import notebook
from tests.support.desk import Desk

RADIUS = notebook("print(radius)", parameters="radius = 2.0  # [deg]")


@pytest.fixture
def repositories(desk: Desk, tmp_path):
    return Repositories(root=tmp_path)


@pytest.fixture
def changed():
    """Names of the repositories that got something new."""
    return []


@pytest.fixture
def authoring(desk: Desk, repositories, changed):
    common = {"repositories": repositories, "config": desk.config, "clock": desk.clock}
    return AuthoringService(
        projects=ProjectService(database=desk.database, **common),
        releases=desk.releases,
        templates=None,
        changed=changed.append,
        **common,
    )


@pytest.fixture
def space(tmp_path):
    """Dora's space, with a notebook."""
    folder = tmp_path / "users" / "dora" / "work"
    folder.mkdir(parents=True)
    (folder / "cone.ipynb").write_text(RADIUS)
    return folder


def begin(authoring, *, notebook="work/cone.ipynb", name="cones", owner="dora"):
    return authoring.begin(owner=owner, name=name, notebook=notebook)


def test_a_notebook_becomes_a_project_of_its_owner(authoring, repositories, space):
    made = begin(authoring)
    assert (made.name, made.owner, made.released) == ("cones", "dora", [])
    assert "pipelines/cone.ipynb" in repositories.git("cones").run("ls-tree", "-r", "--name-only", "main")


def test_its_history_says_what_is_to_decide(authoring, repositories, space):
    begin(authoring)
    message = repositories.git("cones").run("log", "-1", "--format=%B", "main")
    assert message.startswith("Made of cone.ipynb\n\nTo decide:\n- ")


def test_what_main_has_becomes_a_private_release_with_its_tag(authoring, repositories, space):
    begin(authoring)
    release = authoring.release(author="dora", avi="cones", version="1.0.0")
    assert (release.state, release.visibility) == ("READY", "private")
    assert repositories.git("cones").named("refs/tags/v1.0.0") == release.commit
    assert [one.name for one in release.spec.pipelines] == ["cone"]


def test_a_mirror_hears_of_both(authoring, changed, space):
    begin(authoring)
    authoring.release(author="dora", avi="cones", version="1.0.0")
    assert changed == ["cones", "cones"]


def test_the_same_version_again_is_the_same_release(authoring, space):
    begin(authoring)
    first = authoring.release(author="dora", avi="cones", version="1.0.0")
    assert authoring.release(author="dora", avi="cones", version="1.0.0") == first


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("work/none.ipynb", NotFound),
        ("work", BadRequest),
        ("../ann/work/cone.ipynb", BadRequest),
        ("/etc/passwd", BadRequest),
        ("work/link.ipynb", NotFound),
        ("work/noise.ipynb", BadManifest),
        ("work/latin.ipynb", BadManifest),
        ("work/large.ipynb", BadManifest),
    ],
)
def test_what_is_no_notebook_of_theirs_is_refused_and_makes_nothing(
    authoring, repositories, space, path, refusal
):
    (space / "link.ipynb").symlink_to("/etc/passwd")
    (space / "noise.ipynb").write_text("noise")
    (space / "latin.ipynb").write_bytes(b"\xe9")
    (space / "large.ipynb").write_bytes(b" " * (5 * 1024 * 1024 + 1))
    with pytest.raises(refusal):
        begin(authoring, notebook=path)
    assert not repositories.is_made("cones")


def test_what_would_be_made_is_told_and_not_made(authoring, changed, space):
    told = authoring.proposed(owner="dora", notebook="work/cone.ipynb")
    assert any("Parameter radius: float, 2.0 deg" in line for line in told.found)
    assert told.open
    assert changed == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../ann/work/cone.ipynb", "", "work", "work/cone.ipynb\0"])
def test_a_refused_path_is_told_what_would_be_accepted_and_no_folder_of_the_platform(
    authoring, space, tmp_path, path
):
    with pytest.raises((BadRequest, NotFound), match=r"as `work/my-stars.ipynb`") as refusal:
        authoring.proposed(owner="dora", notebook=path)
    assert str(tmp_path) not in refusal.value.message


def test_another_ones_notebook_is_proposed_to_nobody_else(authoring, space):
    with pytest.raises(NotFound, match="Your space has no notebook"):
        authoring.proposed(owner="ann", notebook="work/cone.ipynb")


def test_a_name_that_is_taken_is_refused(authoring, space):
    begin(authoring)
    with pytest.raises(Conflict, match="cones has commits already"):
        begin(authoring)


def test_another_ones_name_is_refused(authoring, space, tmp_path):
    begin(authoring)
    theirs = tmp_path / "users" / "ann"
    theirs.mkdir()
    (theirs / "cone.ipynb").write_text(RADIUS)
    with pytest.raises((Conflict, Forbidden, NotFound)):
        begin(authoring, owner="ann", notebook="cone.ipynb")


def test_who_may_not_write_releases_nothing(authoring, space):
    begin(authoring)
    with pytest.raises(NotFound):
        authoring.release(author="ann", avi="cones", version="1.0.0")


def test_a_project_without_commits_has_nothing_to_release(authoring, desk, repositories, space):
    ProjectService(
        database=desk.database, repositories=repositories, config=desk.config, clock=desk.clock
    ).create(owner="dora", name="empty")
    with pytest.raises(Conflict, match="no commit on its branch main yet"):
        authoring.release(author="dora", avi="empty", version="1.0.0")
