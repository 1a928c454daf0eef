from concurrent.futures import ThreadPoolExecutor

import pytest

from avi_kernel.protocol.releases import ReleaseSubmit
from gavip_hub.clock import SystemClock
from gavip_hub.config import Gavip
from gavip_hub.exceptions import BadManifest, BadRequest, Conflict, GavipError, NotFound
from gavip_hub.services.releases import ReleaseService, bundled_slug
from gavip_hub.storage import migrate
from gavip_hub.storage.database import Database
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.schema import Avi
from tests.support.avis import star_counter


@pytest.fixture
def releases(database_url, tmp_path):
    migrate.upgrade(database_url)
    database = Database(url=database_url)
    yield ReleaseService(
        database=database,
        repositories=Repositories(root=tmp_path),
        config=Gavip(data_root=str(tmp_path)),
        clock=SystemClock(),
    )
    database.close()


@pytest.fixture
def folder(tmp_path):
    return star_counter(tmp_path / "users/dora/stars")


def submit(releases, *, submitter="dora", operator=False, **changes):
    request = ReleaseSubmit(**{"folder": "stars", "avi": "stars", "version": "1.0", **changes})
    return releases.submit(submitter=submitter, request=request, operator=operator)


def test_the_same_content_is_published_once(releases, folder):
    assert submit(releases) == submit(releases)
    assert len(releases.versions(viewer="dora", avi="stars")) == 1


def test_two_who_publish_the_same_at_once_publish_it_once(releases, folder):
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: submit(releases), range(2))
    assert first == second
    assert len(releases.versions(viewer="dora", avi="stars")) == 1


def test_others_write_to_the_database_while_git_works(releases, folder, monkeypatch):
    commit = releases._repositories.commit

    def commit_meanwhile(*arguments, **options):
        with releases._database.transaction() as session:
            session.add(Avi(name="other", owner="eve", created_at=SystemClock().now()))
        return commit(*arguments, **options)

    monkeypatch.setattr(releases._repositories, "commit", commit_meanwhile)
    assert submit(releases).version == "1.0"


def test_a_release_never_changes(releases, folder):
    first = submit(releases)
    (folder / "README.md").write_text("changed")
    with pytest.raises(Conflict, match="never changes"):
        submit(releases)
    assert releases.get(viewer="dora", avi="stars") == first
    assert submit(releases, version="1.1").spec.readme == "changed"


def test_old_versions_stay_runnable(releases, folder):
    first = submit(releases)
    (folder / "README.md").write_text("changed")
    submit(releases, version="2.0")
    assert releases.get(viewer="dora", avi="stars", version="1.0") == first
    assert (releases.checkout_of("stars", first.commit) / "README.md").read_text() == "# Star counter\n"


def test_a_name_belongs_to_who_took_it_first(releases, folder, tmp_path):
    submit(releases)
    star_counter(tmp_path / "users/eve/stars")
    with pytest.raises(Conflict, match="is not yours"):
        submit(releases, submitter="eve", version="9.9")


def test_a_developer_publishes_from_the_own_user_space_only(releases, folder, tmp_path):
    star_counter(tmp_path / "elsewhere")
    for source in (str(tmp_path / "elsewhere"), "../eve/stars", "/etc", str(tmp_path / "users/eve/stars")):
        with pytest.raises(GavipError):
            submit(releases, folder=source, version="2")
    assert submit(releases, folder="/home/dora/stars").version == "1.0"


def test_an_operator_publishes_any_folder_but_the_platforms_own(releases, tmp_path, tmp_path_factory):
    outside = star_counter(tmp_path_factory.mktemp("outside") / "avi")
    assert submit(releases, submitter="olga", operator=True, folder=str(outside)).avi == "stars"
    with pytest.raises(BadRequest, match="own folders"):
        submit(releases, submitter="olga", operator=True, folder=str(tmp_path / "secrets"), version="2")


@pytest.mark.parametrize("operator", [True, False])
def test_a_folder_that_is_not_there_is_told(releases, tmp_path_factory, operator):
    nowhere = tmp_path_factory.mktemp("outside") / "nowhere"
    nowhere.with_name("file").write_text("no folder")
    for place in (nowhere, nowhere.with_name("file")) if operator else ("stars",):
        with pytest.raises(NotFound, match="There is no folder"):
            submit(releases, submitter="zoe", operator=operator, folder=str(place))


def test_nor_a_folder_in_which_they_lie(releases, tmp_path, tmp_path_factory):
    link = tmp_path_factory.mktemp("outside") / "link"
    link.symlink_to(tmp_path.parent)
    for above in ("/", str(tmp_path.parent), str(link), str(tmp_path)):
        with pytest.raises(BadRequest, match="own folders"):
            submit(releases, submitter="olga", operator=True, folder=above)


@pytest.mark.parametrize("avi", ["S", "Stars", "a", "two--hyphens", "x" * 21, "-a", "a-", "a/b", "notebook"])
def test_a_name_that_makes_no_host_is_refused(releases, folder, avi):
    with pytest.raises(BadRequest) as caught:
        submit(releases, avi=avi)
    assert caught.value.field == "avi"


@pytest.mark.parametrize("version", ["", "../1", "-1", "1 0", "a/b", "x" * 41])
def test_a_version_that_makes_no_tag_is_refused(releases, folder, version):
    with pytest.raises(BadRequest) as caught:
        submit(releases, version=version)
    assert caught.value.field == "version"


def test_a_refused_folder_leaves_nothing(releases, folder, tmp_path):
    (folder / "avi.toml").write_text("[pipelines.count]\nmemroy = 1")
    with pytest.raises(BadManifest, match=r"pipelines.count.memroy: unknown key; accepted here: memory"):
        submit(releases)
    with pytest.raises(NotFound):
        releases.get(viewer="dora", avi="stars")
    assert not (tmp_path / "repositories").exists()


def test_a_memory_expression_of_unknown_parameters_is_refused_before_anybody_runs_it(releases, folder):
    toml = (folder / "avi.toml").read_text()
    (folder / "avi.toml").write_text(toml.replace("40 * radius", "40 * radios"))
    with pytest.raises(BadManifest, match="radios"):
        submit(releases)


def named_image(folder, image):
    (folder / "avi.toml").write_text(f'image = "{image}"\n' + (folder / "avi.toml").read_text())


@pytest.mark.parametrize("image", ["avi-java", "avi-python"])
def test_a_release_runs_in_the_image_that_it_names(releases, folder, image):
    named_image(folder, image)
    submit(releases)
    assert releases.image_of("stars", "1.0") == image


def test_a_release_that_names_none_runs_in_the_python_image(releases, folder):
    submit(releases)
    assert releases.image_of("stars", "1.0") == "avi-python"


@pytest.mark.parametrize("image", ["avi-cobol", "notebook"])
def test_an_image_that_the_platform_does_not_have_is_refused_with_those_it_has(releases, folder, image):
    named_image(folder, image)
    with pytest.raises(BadManifest, match="avi-python, avi-java, avi-fortran") as caught:
        submit(releases)
    assert caught.value.field == "image"


def test_a_bundled_avi_is_published_once_and_again_when_it_changed(releases, folder):
    first = releases.publish_bundled(folder, avi="stars", version="0.1.0")
    assert releases.publish_bundled(folder, avi="stars", version="0.1.0") == first
    (folder / "README.md").write_text("changed")
    second = releases.publish_bundled(folder, avi="stars", version="0.1.0")
    assert (first.version, second.version) == ("0.1.0", "0.1.0+2")
    assert releases.publish_bundled(folder, avi="stars", version="0.1.0") == second
    assert releases.get(viewer="anyone", avi="stars") == second


def test_a_bundled_folder_gives_a_name(tmp_path):
    assert bundled_slug(tmp_path / "hr_diagram") == "hr-diagram"
