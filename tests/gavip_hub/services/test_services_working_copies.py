"""A project's files in its author's space, and back to its main branch."""

import json
import os
import subprocess
from unittest.mock import patch

import pytest

from gavip_hub.exceptions import BadManifest, Conflict, DiskFull, Forbidden, NotFound, SpaceFull
from gavip_hub.services import working_copies
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.pushes import PushService
from gavip_hub.services.working_copies import Seen, WorkingCopyService
from gavip_hub.storage import copies as tree_copies
from gavip_hub.storage import spaces
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.git_drafts import Drafts
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.working_copies import WorkingCopies, reference
from tests.support.desk import Desk

MAIN = "refs/heads/main"
FIRST = {"avi.toml": 'title = "Comets"\n', "sky/counts.py": "COUNT = 1\n", "sky/long.py": "a\nb\nc\nd\ne\n"}


@pytest.fixture
def repositories(tmp_path):
    return Repositories(root=tmp_path)


@pytest.fixture
def projects(desk: Desk, repositories):
    return ProjectService(
        database=desk.database, repositories=repositories, config=desk.config, clock=desk.clock
    )


@pytest.fixture
def told():
    """Projects that mirrors were told of."""
    return []


@pytest.fixture
def make(desk: Desk, repositories, projects, told, tmp_path):
    """Make the service, with what is given in place of what is usual."""
    pushes = PushService(
        database=desk.database,
        repositories=repositories,
        releases=desk.releases,
        page_of=str,
        pushed=told.append,
        lacking=lambda _: "",
    )

    def made(*, repository_mb: int = 1024, disk: DiskSpace | None = None) -> WorkingCopyService:
        return WorkingCopyService(
            database=desk.database,
            quotas=desk.quotas,
            projects=projects,
            pushes=pushes,
            repositories=repositories,
            copies=WorkingCopies(root=tmp_path, repositories=repositories),
            drafts=Drafts(repositories=repositories, repository_mb=repository_mb),
            disk=disk or DiskSpace(root=tmp_path, reserve_mb=0),
            clock=desk.clock,
        )

    return made


@pytest.fixture
def service(make):
    return make()


@pytest.fixture
def comets(desk: Desk, projects, repositories):
    """Git on dora's project of three files."""
    projects.create(owner="dora", name="comets")
    repositories.begin("comets", FIRST, message="First", author="dora", at=desk.clock.now())
    return repositories.git("comets")


@pytest.fixture
def folder(service, comets, tmp_path):
    """Dora's working copy."""
    service.begin(owner="dora", groups=[], name="comets")
    return tmp_path / "users" / "dora" / "projects" / "comets"


def look(service):
    return service.look(owner="dora", name="comets")


def take(service, message: str = "Mine", seen: Seen | None = None):
    return service.take(author="dora", name="comets", message=message, seen=seen or look(service).seen)


def shown(git, path: str) -> str:
    return git.run("show", f"main:{path}")


def changes(service) -> dict[str, str]:
    return {one.path: one.kind for one in look(service).changes}


def pushed(git, path: str, text: str, *, onto: str = MAIN) -> str:
    """Put a file on main as somebody else's push does."""
    who = {f"GIT_{role}_{what}": "ann" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    blob = git.run("hash-object", "-w", "--stdin", given=text)
    index = {"GIT_INDEX_FILE": "other.index"}
    git.run("read-tree", onto, extra=index)
    git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", extra=index)
    tree = git.run("write-tree", extra=index)
    made = git.run("commit-tree", tree, "-p", onto, "-m", "Another's", extra=who)
    git.run("update-ref", MAIN, made)
    return made


def test_a_copy_holds_the_files_and_nothing_of_git(folder):
    assert (folder / "sky" / "counts.py").read_text() == "COUNT = 1\n"
    assert not (folder / ".git").exists()


def test_what_was_changed_added_and_removed_is_told_and_taken(service, comets, folder, told):
    (folder / "avi.toml").write_text('title = "Bright comets"\n')
    (folder / "new.py").write_text("NEW = 1\n")
    (folder / "sky" / "counts.py").unlink()
    assert changes(service) == {"avi.toml": "changed", "new.py": "added", "sky/counts.py": "removed"}
    assert '+title = "Bright comets"' in look(service).lines
    made = take(service, "Bright ones")
    assert comets.named(MAIN) == made
    assert shown(comets, "avi.toml") == 'title = "Bright comets"'
    assert comets.run("log", "-1", "--format=%an %s", "main") == "dora Bright ones"
    assert changes(service) == {}
    assert told == ["comets"]


def test_a_notebook_is_named_so_that_it_can_be_opened(service, folder):
    (folder / "app.ipynb").write_text(json.dumps({"cells": []}))
    assert look(service).notebooks == ["app.ipynb"]


def test_only_what_was_seen_is_taken(service, comets, folder):
    (folder / "new.py").write_text("NEW = 1\n")
    seen, before = look(service).seen, comets.named(MAIN)
    (folder / "new.py").write_text("EVIL = 1\n")
    with pytest.raises(Conflict, match="folder has changed since you looked"):
        take(service, seen=seen)
    assert comets.named(MAIN) == before
    take(service)
    assert shown(comets, "new.py") == "EVIL = 1"


def test_nothing_is_taken_where_main_has_moved_since_it_was_looked_at(service, comets, folder):
    (folder / "new.py").write_text("NEW = 1\n")
    seen = look(service).seen
    other = pushed(comets, "other.py", "OTHER = 1\n")
    with pytest.raises(Conflict, match="main branch has moved since you looked"):
        take(service, seen=seen)
    assert comets.named(MAIN) == other


def test_what_main_got_meanwhile_is_joined_and_nothing_of_either_is_lost(service, comets, folder):
    (folder / "sky" / "long.py").write_text("A\nb\nc\nd\ne\n")
    other = pushed(comets, "sky/long.py", "a\nb\nc\nd\nE\n")
    assert (look(service).is_behind, look(service).hindrance) == (True, "")
    made = take(service)
    assert shown(comets, "sky/long.py") == "A\nb\nc\nd\nE"
    assert comets.is_before(other, made)
    assert changes(service) == {}


def test_what_was_joined_is_not_undone_by_the_next_take(service, comets, folder):
    (folder / "new.py").write_text("NEW = 1\n")
    pushed(comets, "sky/counts.py", "COUNT = 2\n")
    take(service)
    (folder / "new.py").write_text("NEW = 2\n")
    assert changes(service) == {"new.py": "changed"}
    take(service)
    assert (shown(comets, "sky/counts.py"), shown(comets, "new.py")) == ("COUNT = 2", "NEW = 2")


def test_contradicting_changes_are_named_and_nothing_is_taken(service, comets, folder):
    (folder / "sky" / "counts.py").write_text("COUNT = 3\n")
    other = pushed(comets, "sky/counts.py", "COUNT = 2\n")
    assert "sky/counts.py" in look(service).hindrance
    with pytest.raises(Conflict, match="both changed sky/counts"):
        take(service)
    assert comets.named(MAIN) == other
    assert (folder / "sky" / "counts.py").read_text() == "COUNT = 3\n"


def test_a_contradiction_that_is_of_no_one_file_is_one(service, comets, folder):
    (folder / "near").mkdir()
    (folder / "far").mkdir()
    (folder / "sky" / "counts.py").rename(folder / "near" / "counts.py")
    (folder / "sky" / "long.py").rename(folder / "far" / "long.py")
    other = pushed(comets, "sky/new.py", "NEW = 1\n")
    assert "names of folders" in look(service).hindrance
    with pytest.raises(Conflict, match="names of folders"):
        take(service)
    assert comets.named(MAIN) == other


def test_a_history_that_was_written_anew_is_not_joined(service, comets, folder):
    first = comets.named(MAIN)
    (folder / "new.py").write_text("NEW = 1\n")
    take(service)
    comets.run("update-ref", MAIN, first)
    (folder / "new.py").write_text("NEW = 2\n")
    with pytest.raises(Conflict, match="written anew"):
        take(service)


def test_a_copy_put_aside_is_whole_and_a_fresh_one_is_there(service, comets, folder):
    (folder / "mine.py").write_text("mine")
    pushed(comets, "other.py", "OTHER = 1\n")
    aside = service.renew(owner="dora", groups=[], name="comets")
    assert (folder.parents[1] / aside / "mine.py").read_text() == "mine"
    assert (folder / "other.py").read_text() == "OTHER = 1\n"
    assert (changes(service), look(service).is_behind) == ({}, False)


def test_git_of_the_folder_itself_is_never_asked(service, comets, folder, tmp_path):
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-commit").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "pre-commit").chmod(0o755)
    (folder / ".git" / "config").write_text(f'[core]\nfsmonitor = "touch {tmp_path}/ran"\n')
    (folder / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (folder / "new.py").write_text("NEW = 1\n")
    take(service)
    assert not (tmp_path / "ran").exists()
    assert ".git/config" not in comets.run("ls-tree", "-r", "--name-only", "main").splitlines()


@pytest.mark.parametrize("name", [".GIT/config", "sky/.Git/config", "git~1", ".git./hooks"])
def test_a_name_that_git_does_not_keep_is_told(service, folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("[core]")
    with pytest.raises(BadManifest, match="rename it") as caught:
        look(service)
    assert name in caught.value.message


def test_what_a_push_would_not_bring_is_not_taken(service, comets, folder):
    before = comets.named(MAIN)
    (folder / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch\n')
    with pytest.raises(BadManifest, match="would not by a push"):
        take(service)
    assert comets.named(MAIN) == before


def test_a_repository_takes_no_more_than_it_may_hold(make, comets, folder):
    (folder / "large.bin").write_bytes(os.urandom(1_200_000))
    with pytest.raises(BadManifest, match="exceeds maximum allowed size"):
        take(make(repository_mb=1))


def test_what_is_only_looked_at_leaves_nothing_in_the_repository(service, comets, folder):
    (folder / "new.py").write_text("never taken\n")
    before = comets.run("count-objects", "-v")
    look(service)
    assert comets.run("count-objects", "-v") == before


def test_a_name_that_git_would_read_as_quoted_leads_to_no_other_file(service, comets, folder, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    odd = '"' + str(tmp_path / "secret").replace("/", "\\057") + '"'
    (folder / odd).write_text("mine")
    take(service)
    assert comets.run("show", f"main:{odd}") == "mine"


def test_a_link_is_refused_in_words(service, folder):
    (folder / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(BadManifest, match="passwd: is a link"):
        look(service)


def test_a_folder_that_became_a_link_leads_nowhere(service, folder, tmp_path):
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotFound):
        look(service)


def test_folders_without_end_are_not_counted_to_their_end(service, folder, monkeypatch):
    monkeypatch.setattr(tree_copies, "MOST_SEEN", 20)
    for number in range(20):
        (folder / f"empty-{number}").mkdir()
    with pytest.raises(BadManifest, match="More than 20"):
        look(service)


def test_a_copy_that_is_there_stays_as_it_is(service, folder):
    (folder / "avi.toml").write_text("mine")
    service.begin(owner="dora", groups=[], name="comets")
    assert (folder / "avi.toml").read_text() == "mine"


@pytest.mark.parametrize("kind", ["folder", "file", "link to nothing"])
def test_what_lies_in_its_place_stays_and_no_copy_is_noted(service, comets, tmp_path, kind):
    place = tmp_path / "users" / "dora" / "projects"
    place.mkdir(parents=True)
    if kind == "folder":
        (place / "comets").mkdir()
        (place / "comets" / "theirs").write_text("theirs")
    elif kind == "file":
        (place / "comets").write_text("theirs")
    else:
        (place / "comets").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Conflict, match="rename it"):
        service.begin(owner="dora", groups=[], name="comets")
    assert comets.named(reference("dora")) == ""
    assert [path.name for path in place.iterdir()] == ["comets"]


def test_a_link_in_place_of_the_folder_of_copies_is_not_followed(service, comets, tmp_path):
    (tmp_path / "users" / "dora").mkdir(exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "users" / "dora" / "projects").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="projects must be a folder"):
        service.begin(owner="dora", groups=[], name="comets")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_the_repository_is_put_into_nobodys_space(service, comets, tmp_path):
    blob = comets.run("hash-object", "-w", "--stdin", given="/etc/passwd")
    tree = comets.run("mktree", given=f"120000 blob {blob}\tpasswd\n")
    who = {f"GIT_{role}_{what}": "ann" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    comets.run("update-ref", MAIN, comets.run("commit-tree", tree, "-m", "x", extra=who))
    with pytest.raises(BadManifest, match="is a link"):
        service.begin(owner="dora", groups=[], name="comets")
    assert not (tmp_path / "users" / "dora" / "projects").exists()


def test_a_copy_that_does_not_fit_the_quota_is_not_made(service, desk, comets, tmp_path):
    with desk.database.transaction() as session:
        spaces.put(session, "dora", used_mb=10_000_000, at=desk.clock.now())
    desk.config.quota = {**desk.config.quota, "space_mb": 100}
    with pytest.raises(SpaceFull):
        service.begin(owner="dora", groups=[], name="comets")
    assert not (tmp_path / "users" / "dora" / "projects").exists()


def test_a_full_disk_refuses_a_look(make, folder, tmp_path):
    full = make(disk=DiskSpace(root=tmp_path, reserve_mb=10**12))
    with pytest.raises(DiskFull):
        look(full)


def test_nothing_is_not_taken(service, folder):
    with pytest.raises(Conflict, match="Nothing"):
        take(service)


def test_nobody_else_sees_of_which_commit_a_copy_was_made(service, comets, folder, repositories):
    assert repositories.names("comets") == [MAIN]


@pytest.mark.parametrize("owner", ["dora", "d.o..ra.lock", "@{u}", "ann smith~1", "öß:*?[\\"])
def test_any_owner_has_a_name_that_git_takes(comets, owner):
    comets.run("update-ref", reference(owner), comets.named(MAIN))
    assert comets.named(reference(owner)) == comets.named(MAIN)


def test_two_owners_have_two_names():
    assert len({reference(owner) for owner in ("a.b", "a_b", "a%2Eb", "A.b")}) == 4


def test_only_who_may_write_it_has_a_copy(service, comets, projects):
    with pytest.raises(NotFound):
        service.begin(owner="ann", groups=[], name="comets")
    projects.change(owner="dora", name="comets", source="public")
    with pytest.raises(Forbidden):
        service.begin(owner="ann", groups=[], name="comets")


@pytest.mark.parametrize(
    ("texts", "starts"),
    [
        (['title = "Comets"\n'] * 2, [1, 1]),
        (['title = "Bright comets"\n'] * 2, [3, 3]),
        (['title = "Bright comets"\n', 'title = "Dark comets"\n'], [3, 5]),
    ],
    ids=["nothing differs", "the same differs", "another differs"],
)
def test_a_look_starts_few_programs_and_the_next_one_fewer(service, folder, texts, starts):
    counted = []
    with patch("subprocess.Popen", wraps=subprocess.Popen) as started:
        for text in texts:
            (folder / "avi.toml").write_text(text)
            look(service)
            counted.append(started.call_count)
    assert counted == starts


def test_what_was_compared_once_is_told_again_as_it_was(service, folder):
    (folder / "avi.toml").write_text('title = "Bright comets"\n')
    first = look(service)
    assert look(service) == first
    (folder / "avi.toml").write_text(FIRST["avi.toml"])
    assert look(service).changes == []
    (folder / "avi.toml").write_text('title = "Bright comets"\n')
    assert look(service) == first


def test_what_main_got_since_the_last_look_hinders(service, comets, folder):
    (folder / "sky/counts.py").write_text("COUNT = 2\n")
    assert not look(service).hindrance
    pushed(comets, "sky/counts.py", "COUNT = 3\n")
    assert "contradict" in look(service).hindrance


def test_many_lines_are_compared_each_time(service, folder, monkeypatch):
    monkeypatch.setattr(working_copies, "MOST_LETTERS_KEPT", 10)
    (folder / "avi.toml").write_text('title = "Bright comets"\n')
    look(service)
    with patch("subprocess.Popen", wraps=subprocess.Popen) as started:
        look(service)
    assert started.call_count == 2


def test_what_git_has_packed_is_named_as_before(service, comets, folder):
    first = comets.named(MAIN)
    comets.run("pack-refs", "--all")
    assert (comets.named(MAIN), comets.named(reference("dora"))) == (first, first)
    assert changes(service) == {}


def test_a_name_that_stands_for_another_name_is_followed(comets):
    comets.run("symbolic-ref", "refs/heads/same", MAIN)
    assert comets.named("refs/heads/same") == comets.named(MAIN)


def test_a_folder_of_names_is_none_itself(comets):
    assert comets.named("refs/heads") == ""


def test_a_file_that_may_be_executed_now_differs(service, folder):
    (folder / "avi.toml").chmod(0o755)
    assert changes(service) == {"avi.toml": "changed"}
