"""A project's files in its author's space, and back to its main branch."""

import pytest

from gavip_hub.exceptions import BadManifest, Conflict, Forbidden, NotFound
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.quotas import QuotaService
from gavip_hub.services.working_copies import WorkingCopyService
from gavip_hub.storage.disk import DiskSpace
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.working_copies import WorkingCopies
from tests.support.desk import Desk


@pytest.fixture
def repositories(desk: Desk, tmp_path):
    return Repositories(root=tmp_path)


@pytest.fixture
def projects(desk: Desk, repositories):
    return ProjectService(
        database=desk.database, repositories=repositories, config=desk.config, clock=desk.clock
    )


@pytest.fixture
def service(desk: Desk, repositories, projects, tmp_path):
    return WorkingCopyService(
        database=desk.database,
        quotas=QuotaService(database=desk.database, config=desk.config),
        projects=projects,
        repositories=repositories,
        copies=WorkingCopies(root=tmp_path, repositories=repositories),
        disk=DiskSpace(root=tmp_path, reserve_mb=0),
        clock=desk.clock,
        changed=lambda _: None,
    )


@pytest.fixture
def stars(desk: Desk, projects, repositories):
    """Dora's project of two files."""
    projects.create(owner="dora", name="comets")
    files = {"avi.toml": 'title = "Stars"\n', "sky/counts.py": "COUNT = 1\n"}
    repositories.begin("comets", files, message="First", author="dora", at=desk.clock.now())
    return repositories.git("comets")


@pytest.fixture
def folder(service, stars, tmp_path):
    """Dora's working copy."""
    service.begin(owner="dora", groups=[], name="comets")
    return tmp_path / "users" / "dora" / "projects" / "comets"


def shown(git, path: str) -> str:
    return git.run("show", f"main:{path}")


def test_a_copy_holds_the_files_and_nothing_of_git(folder):
    assert (folder / "sky" / "counts.py").read_text() == "COUNT = 1\n"
    assert not (folder / ".git").exists()


def test_what_was_changed_added_and_removed_is_told_and_taken(service, stars, folder):
    (folder / "avi.toml").write_text('title = "Bright stars"\n')
    (folder / "new.py").write_text("NEW = 1\n")
    (folder / "sky" / "counts.py").unlink()
    told = {one.path: one.kind for one in service.look(owner="dora", name="comets").changes}
    assert told == {"avi.toml": "changed", "new.py": "added", "sky/counts.py": "removed"}
    service.take(author="dora", name="comets", message="Bright ones")
    assert shown(stars, "avi.toml") == 'title = "Bright stars"'
    assert stars.run("log", "-1", "--format=%an %s", "main") == "dora Bright ones"
    assert service.look(owner="dora", name="comets").changes == []


def test_nothing_is_taken_when_main_has_moved(service, stars, folder):
    tree = stars.run("rev-parse", "main^{tree}")
    signed = {f"GIT_{role}_{what}": "ann" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    other = stars.run("commit-tree", tree, "-p", "main", "-m", "Another's", extra=signed)
    stars.run("update-ref", "refs/heads/main", other)
    (folder / "new.py").write_text("NEW = 1\n")
    assert service.look(owner="dora", name="comets").is_behind
    with pytest.raises(Conflict, match="has moved"):
        service.take(author="dora", name="comets", message="Mine")
    assert stars.named("refs/heads/main") == other


def test_git_of_the_folder_itself_is_never_asked(service, stars, folder, tmp_path):
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-commit").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "pre-commit").chmod(0o755)
    (folder / ".git" / "config").write_text(f'[core]\nfsmonitor = "touch {tmp_path}/ran"\n')
    (folder / ".gitattributes").write_text("* filter=evil\n")
    (folder / "new.py").write_text("NEW = 1\n")
    service.take(author="dora", name="comets", message="New")
    assert not (tmp_path / "ran").exists()
    assert ".git/config" not in stars.run("ls-tree", "-r", "--name-only", "main").splitlines()


def test_a_name_that_git_would_read_as_quoted_leads_to_no_other_file(service, stars, folder, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    odd = '"' + str(tmp_path / "secret").replace("/", "\\057") + '"'
    (folder / odd).write_text("mine")
    service.take(author="dora", name="comets", message="Odd")
    assert stars.run("show", f"main:{odd}") == "mine"


def test_a_link_is_refused_in_words(service, folder):
    (folder / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(BadManifest, match="link"):
        service.take(author="dora", name="comets", message="Link")


def test_a_folder_that_became_a_link_leads_nowhere(service, folder, tmp_path):
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotFound):
        service.take(author="dora", name="comets", message="Away")


def test_a_copy_that_is_there_stays_as_it_is(service, folder):
    (folder / "avi.toml").write_text("mine")
    service.begin(owner="dora", groups=[], name="comets")
    assert (folder / "avi.toml").read_text() == "mine"


def test_nothing_is_not_taken(service, folder):
    with pytest.raises(Conflict, match="Nothing"):
        service.take(author="dora", name="comets", message="Nothing")


def test_only_who_may_write_it_has_a_copy(service, stars, projects):
    with pytest.raises(NotFound):
        service.begin(owner="ann", groups=[], name="comets")
    projects.change(owner="dora", name="comets", source="public")
    with pytest.raises(Forbidden):
        service.begin(owner="ann", groups=[], name="comets")
