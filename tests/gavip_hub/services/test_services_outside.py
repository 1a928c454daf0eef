"""Imports and mirrors, whatever becomes of them meanwhile: real git, a real server on loopback, time by hand."""

import stat

import pytest

from avi_kernel.protocol.outside import MirrorRequest
from avi_kernel.protocol.projects import MemberView
from gavip_hub.config import load_config
from gavip_hub.core import make_core
from gavip_hub.exceptions import BadRequest, Conflict, Forbidden, NoRoom, NotFound
from gavip_hub.services.imports import BROKE_OFF
from gavip_hub.services.mirrors import PAUSES
from gavip_hub.storage import migrate
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_outside import Stopped
from gavip_hub.testing import ManualClock
from tests.support.git_server import repository, run_git, serving

TOKEN = "s3cret-token"


@pytest.fixture
def place(tmp_path):
    repository(tmp_path / "there" / "stars.git")
    with serving(tmp_path / "there") as place:
        yield place


@pytest.fixture
def core(tmp_path, place):
    root = tmp_path / "root"
    root.mkdir()
    config = load_config(root, port=8000, bundled_avis=False, inner_git_hosts=[place.address])
    migrate.upgrade(config.database_url)
    core = make_core(config, connections=2, clock=ManualClock())
    yield core
    core.database.close()


def begin(core, place, avi="stars", person="dora", name="stars.git"):
    return core.imports.begin(person=person, avi=avi, url=place.url(name))


def imported(core, place, avi="stars"):
    begin(core, place, avi)
    core.imports.take_over(avi, core.imports.fetch(avi))
    return core.imports.get(viewer="dora", avi=avi)


def test_an_import_waits_is_fetched_and_is_the_projects_repository(core, place):
    assert begin(core, place).state == "waiting"
    assert core.imports.waiting() == ["stars"]
    fetched = core.imports.fetch("stars")
    assert core.imports.get(viewer="dora", avi="stars").state == "running"
    core.imports.take_over("stars", fetched)
    done = core.imports.get(viewer="dora", avi="stars")
    assert (done.state, done.fraction, core.imports.waiting()) == ("done", 1.0, [])
    assert done.message.startswith("2 branches and 1 tag came. No tag became a release by itself (v1.0)")
    run_git(core.repositories.folder("stars"), "fsck", "--strict")
    assert core.releases.of_project(viewer="dora", avi="stars") == []


def test_it_is_whose_project_it_is(core, place):
    begin(core, place)
    with pytest.raises(NotFound):
        core.imports.get(viewer="ann", avi="stars")
    with pytest.raises(Conflict, match="is not yours"):
        begin(core, place, person="ann")


def test_a_person_imports_one_at_a_time(core, place):
    begin(core, place)
    with pytest.raises(Conflict, match="You import stars now"):
        begin(core, place, avi="moons")
    begin(core, place, avi="planets", person="ann")
    assert core.imports.waiting() == ["planets", "stars"]


def test_what_has_commits_is_not_imported_into(core, place):
    imported(core, place)
    with pytest.raises(Conflict, match="has commits already"):
        begin(core, place)


def test_what_was_pushed_meanwhile_stays(core, place, tmp_path):
    begin(core, place)
    fetched = core.imports.fetch("stars")
    other = repository(tmp_path / "other.git", branch="pushed")
    run_git(other, "push", "-q", str(core.repositories.folder("stars")), "pushed")
    core.imports.take_over("stars", fetched)
    told = core.imports.get(viewer="dora", avi="stars")
    assert (told.state, "Somebody pushed to it meanwhile" in told.message) == ("failed", True)
    assert core.repositories.names("stars") == ["refs/heads/pushed"]
    assert not fetched.exists()


@pytest.mark.parametrize(
    "url", ["https://localhost/a.git", "http://127.0.0.1:1/a.git", "file:///etc", "https://10.0.0.1/a"]
)
def test_an_address_that_is_not_taken_makes_no_project(core, url):
    with pytest.raises(BadRequest):
        core.imports.begin(person="dora", avi="stars", url=url)
    with pytest.raises(NotFound):
        core.projects.get(viewer="dora", name="stars")


def test_a_name_that_leads_elsewhere_by_then_is_not_followed(core, place):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    core.imports._resolver = lambda host, port: next(answers)
    begin(core, place)
    assert core.imports.fetch("stars") is None
    assert "not open to all" in core.imports.get(viewer="dora", avi="stars").message
    assert place.asked == []


def test_a_failed_import_says_why_and_can_be_begun_again(core, place, tmp_path):
    begin(core, place, name="none.git")
    assert core.imports.fetch("stars") is None
    told = core.imports.get(viewer="dora", avi="stars")
    assert (told.state, told.message) == (
        "failed",
        "there is no such repository, or it is private: check the address.",
    )
    assert list((tmp_path / "root/repositories/.imports").glob("*")) == []
    assert imported(core, place).state == "done"


def test_an_import_that_the_platforms_end_broke_off_says_so_at_its_next_start(core, place):
    begin(core, place)
    core.outside_git.stop()
    with pytest.raises(Stopped):
        core.imports.fetch("stars")
    core.imports.break_off()
    told = core.imports.get(viewer="dora", avi="stars")
    assert (told.state, told.message) == ("failed", BROKE_OFF)
    assert not (core.config.root / "repositories/.imports").exists()
    assert begin(core, place).state == "waiting"


def test_one_that_was_put_in_place_before_the_end_is_done(core, place):
    begin(core, place)
    core.repositories.adopt("stars", core.imports.fetch("stars"))
    core.imports.break_off()
    assert core.imports.get(viewer="dora", avi="stars").state == "done"


def test_one_that_waits_begins_after_a_start(core, place):
    begin(core, place)
    core.imports.break_off()
    assert core.imports.waiting() == ["stars"]


def test_an_operator_switches_it_off(core, place):
    core.config.outside_git = False
    with pytest.raises(Forbidden, match="switched off"):
        begin(core, place)


@pytest.fixture
def mirrored(core, place, tmp_path):
    imported(core, place)
    Git(tmp_path / "there" / "mirror.git").make()
    run_git(tmp_path / "there" / "mirror.git", "config", "http.receivepack", "true")
    request = MirrorRequest(url=place.url("mirror.git"), token=TOKEN)
    return core.mirrors.put(owner="dora", avi="stars", request=request)


def mirror(core):
    return core.mirrors.get(viewer="dora", avi="stars")


def test_a_mirror_has_all_and_is_pushed_on_after_each_push(core, mirrored, tmp_path):
    assert core.mirrors.due() == [("stars", "dora")]
    core.mirrors.push("stars")
    assert (mirror(core).state, core.mirrors.due()) == ("done", [])
    there = run_git(tmp_path / "there/mirror.git", "for-each-ref", "--format=%(refname)").split()
    assert there == core.repositories.names("stars")
    core.mirrors.want("stars")
    assert core.mirrors.due() == [("stars", "dora")]


def test_a_push_that_comes_meanwhile_is_pushed_on_too(core, mirrored, place):
    def want(_):
        core.mirrors.want("stars")
        return False

    core.clock.advance(1)
    place.answer = want
    core.mirrors.push("stars")
    assert core.mirrors.due() == [("stars", "dora")]


def test_what_fails_is_told_and_tried_again_until_the_next_push(core, mirrored, place):
    place.answer = lambda request: request.say(403)
    for pause in PAUSES:
        core.mirrors.push("stars")
        assert (mirror(core).state, "it refuses this" in mirror(core).message) == ("waiting", True)
        assert core.mirrors.due() == []
        core.clock.advance(pause)
        assert core.mirrors.due() == [("stars", "dora")]
    core.mirrors.push("stars")
    assert (mirror(core).state, mirror(core).next_at) == ("failed", None)
    core.mirrors.want("stars")
    assert (mirror(core).tries, core.mirrors.due()) == (0, [("stars", "dora")])


def test_a_token_is_kept_from_everybody(core, mirrored, tmp_path):
    [kept] = (tmp_path / "root/repositories/.tokens").iterdir()
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (TOKEN, 0o600)
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert mirror(core).has_token
    assert TOKEN not in mirror(core).model_dump_json()
    assert TOKEN.encode() not in (tmp_path / "root/gavip.sqlite").read_bytes()


def test_a_token_is_not_sent_to_another_place(core, mirrored, place):
    core.mirrors.put(owner="dora", avi="stars", request=MirrorRequest(url=place.url("mirror.git")))
    assert mirror(core).has_token
    core.mirrors.put(owner="dora", avi="stars", request=MirrorRequest(url=place.url("other.git")))
    assert not mirror(core).has_token


def test_a_mirror_is_its_owners_and_its_peoples_to_see(core, mirrored, place):
    core.projects.change(owner="dora", name="stars", source="public")
    core.projects.share(owner="dora", name="stars", member=MemberView(user="bob", may="write"))
    assert core.mirrors.get(viewer="bob", avi="stars").url == place.url("mirror.git")
    with pytest.raises(NotFound):
        core.mirrors.get(viewer="ann", avi="stars")
    with pytest.raises(Forbidden):
        core.mirrors.put(owner="bob", avi="stars", request=MirrorRequest(url=place.url()))
    with pytest.raises(Forbidden):
        core.mirrors.remove(owner="bob", avi="stars")


def test_what_is_mirrored_no_more_is_forgotten(core, mirrored, tmp_path):
    core.mirrors.remove(owner="dora", avi="stars")
    assert list((tmp_path / "root/repositories/.tokens").iterdir()) == []
    assert core.mirrors.due() == []
    core.mirrors.want("stars")
    core.mirrors.push("stars")
    with pytest.raises(NotFound, match="mirrored nowhere"):
        mirror(core)


def test_a_person_has_so_many_projects_however_they_begin(core, place, monkeypatch):
    monkeypatch.setattr("gavip_hub.services.projects.MOST_PROJECTS", 0)
    with pytest.raises(NoRoom):
        begin(core, place)
