"""Debian's git, unmodified, against a whole platform: what it pushes is right or refused, and the repository stays sound."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.avis import star_counter
from tests.support.git_client import ALONE, WHO
from tests.support.platform import Platform, eventually
from tests.support.published import run
from tests.support.treasure import expired_token

pytestmark = [pytest.mark.hub, pytest.mark.acceptance, pytest.mark.timeout(600)]
USER = "developer"
MB = 1024 * 1024


class Work:
    """A working copy of a project of the developer's, and the platform's repository of it."""

    def __init__(self, platform: Platform, folder: Path, avi: str) -> None:
        self.platform, self.folder, self.avi = platform, star_counter(folder), avi
        self.bare = platform.root / "repositories" / f"{avi}.git"
        for command in ("init -q -b main", "add -A", "commit -qm first"):
            self.did(*command.split())
        self.did("remote", "add", "origin", self.address(platform.token(USER)))

    def address(self, token: str) -> str:
        place = self.platform.url.replace("://", f"://{USER}:{token}@")
        return f"{place}/services/gavip/git/{self.avi}.git"

    def git(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            input=given,
            env={**os.environ, **WHO, **ALONE},
            timeout=400,
        )

    def did(self, *arguments: str, given: str | None = None) -> str:
        done = self.git(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pushed(self, *what: str) -> str:
        """Push, and return what the platform says."""
        done = self.git("push", "origin", *what)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def refused(self, *what: str) -> str:
        """Push what is refused, and return why."""
        done = self.git("push", "origin", *what)
        assert done.returncode != 0, "it was taken"
        return done.stderr

    def commit(self, *entries: str) -> str:
        """Commit entries that no working copy would hold, as git prints them."""
        tree = self.did("mktree", "--missing", given="\n".join(entries))
        return self.did("commit-tree", tree, "-m", "odd")

    def blob(self, text: str) -> str:
        return self.did("hash-object", "-w", "--stdin", given=text)

    def released(self) -> list[str]:
        with self.platform.client(USER) as client:
            return list(client.get(f"/projects/{self.avi}").json()["released"])


@pytest.fixture
def work(platform: Platform, tmp_path: Path) -> Iterator[Work]:
    made = Work(platform, tmp_path / "work", f"git-{secrets.token_hex(4)}")
    yield made
    if made.bare.exists():  # the answer may be that there is none
        fsck = ["git", f"--git-dir={made.bare}", "fsck", "--full"]
        checked = subprocess.run(fsck, check=False, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert not list((made.bare / "objects").glob("tmp_objdir*"))


def test_a_hundred_megabytes_are_pushed_and_cloned(work: Work, tmp_path: Path) -> None:
    large = os.urandom(100 * MB)
    (work.folder / "large").write_bytes(large)
    work.did("add", "-A")
    work.did("commit", "-qm", "large")
    work.pushed("main")
    work.did("clone", "-q", work.address(work.platform.token(USER)), str(tmp_path / "clone"))
    assert (tmp_path / "clone/large").read_bytes() == large


def test_a_push_that_breaks_off_leaves_nothing_and_the_next_one_is_taken(work: Work) -> None:
    (work.folder / "large").write_bytes(os.urandom(60 * MB))
    work.did("add", "-A")
    work.did("commit", "-qm", "large")
    push = subprocess.Popen(
        ["git", "push", "origin", "main"],
        cwd=work.folder,
        env={**os.environ, **WHO, **ALONE},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: any(work.bare.glob("objects/tmp_objdir*/pack/*")), "something of it has come")
    os.killpg(push.pid, 9)
    push.wait()
    eventually(lambda: not any(work.bare.glob("objects/tmp_objdir*")), "what had come is forgotten")
    assert work.did("ls-remote", "origin") == ""
    work.pushed("main")
    assert work.did("ls-remote", "origin", "main").split()[0] == work.did("rev-parse", "HEAD")


def test_a_hundred_thousand_tiny_files_are_kept_and_are_no_release(work: Work) -> None:
    blob = work.blob("tiny")
    entries = "\n".join(f"100644 {blob}\tmany/{number}" for number in range(100_000))
    work.did("update-index", "--index-info", given=entries + "\n")
    work.did("commit", "-qm", "many")
    work.pushed("main")
    work.did("tag", "v1.0")
    assert "v1.0: The folder has more than 5000 files" in work.refused("v1.0")
    assert work.released() == []


def test_shallow_clone_fetch_and_a_second_release(work: Work, tmp_path: Path) -> None:
    work.did("tag", "v1.0")
    assert "Released" in work.pushed("main", "v1.0")
    work.did("clone", "-q", "--depth=1", work.address(work.platform.token(USER)), str(tmp_path / "shallow"))
    work.did("commit", "-q", "--allow-empty", "-m", "more")
    (work.folder / "README.md").write_text("More.\n")
    work.did("commit", "-qam", "more")
    work.did("tag", "-a", "v1.1", "-m", "an annotated tag")
    work.pushed("main", "v1.1")
    assert work.released() == ["1.1", "1.0"]
    work.did("-C", str(tmp_path / "shallow"), "fetch", "-q", "--tags")
    assert work.did("-C", str(tmp_path / "shallow"), "tag", "--list") == "v1.0\nv1.1"


@pytest.mark.parametrize("token_of", [lambda _: "made-up", lambda platform: expired_token(platform, USER)])
def test_a_token_that_is_none_any_more_opens_nothing(work: Work, token_of: Callable[[Platform], str]) -> None:
    work.pushed("main")
    work.did("remote", "set-url", "origin", work.address(token_of(work.platform)))
    assert "This token is not known, or has expired" in work.refused("HEAD:refs/heads/other")
    assert work.git("fetch", "origin").returncode != 0


def test_a_submodule_is_kept_and_followed_by_nobody(work: Work) -> None:
    entries = [f"160000 commit {work.did('rev-parse', 'HEAD')}\tmodule"]
    modules = work.blob('[submodule "module"]\n\tpath = module\n\turl = file:///etc\n')
    commit = work.commit(*entries, f"100644 blob {modules}\t.gitmodules")
    work.pushed(f"{commit}:refs/heads/with-module")
    work.did("tag", "v1.0", commit)
    assert "v1.0: module: is a submodule; put its files themselves there." in work.refused("v1.0")


def test_a_link_to_the_systems_passwords_is_no_release(work: Work) -> None:
    commit = work.commit(f"120000 blob {work.blob('/etc/passwd')}\tapp.ipynb")
    work.did("tag", "v1.0", commit)
    assert "v1.0: app.ipynb: is a link; put the file itself there." in work.refused("v1.0")
    assert work.released() == []


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "."])
def test_a_name_that_leads_out_of_a_folder_is_not_taken(work: Work, name: str) -> None:
    inner = work.did("mktree", given=f"100644 blob {work.blob('x')}\tpasswd")
    commit = work.commit(f"040000 tree {inner}\t{name}")
    work.refused(f"{commit}:refs/heads/odd")
    assert "odd" not in work.did("ls-remote", "origin")


def test_a_released_tag_stays_where_it_is(work: Work) -> None:
    work.did("tag", "v1.0")
    work.pushed("main", "v1.0")
    work.did("commit", "-q", "--allow-empty", "-m", "more")
    work.did("tag", "-f", "v1.0")
    assert "v1.0: is released, and a release never changes" in work.refused("--force", "v1.0")
    assert "v1.0: is released, and a release never changes" in work.refused(":v1.0")


def test_a_job_of_a_pushed_release_runs(work: Work) -> None:
    work.did("tag", "v1.0")
    work.pushed("main", "v1.0")
    with work.platform.client(USER) as client:
        assert run(client, work.avi, "count", parameters={"radius": 2})["phase"] == "COMPLETED"
