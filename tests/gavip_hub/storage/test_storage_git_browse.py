"""A repository as people look at it, whatever bytes its authors put into it."""

import os
import subprocess

import pytest

from gavip_hub.exceptions import NotFound
from gavip_hub.storage import git_browse
from gavip_hub.storage.git import Git

TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture
def folder(tmp_path):
    Git(tmp_path / "bare.git").make()
    return tmp_path / "bare.git"


@pytest.fixture
def plumb(folder):
    def run(*arguments: str, given: bytes = b"") -> str:
        command = ["git", f"--git-dir={folder}", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, check=True, env=os.environ)
        return done.stdout.decode().strip()

    run("mktree")
    return run


def made(plumb, *, author: bytes = b"ann", at: bytes = b"1", subject: bytes = b"s") -> str:
    who = author + b" <a@b> " + at + b" +0000"
    text = b"tree " + TREE + b"\nauthor " + who + b"\ncommitter ann <a@b> 1 +0000\n\n" + subject + b"\n"
    return plumb("hash-object", "-t", "commit", "-w", "--literally", "--stdin", given=text)


@pytest.mark.parametrize(
    ("author", "subject", "shown"),
    [
        (b"ann", "Übersicht".encode(), ("ann", "Übersicht")),
        (b"J\xfcrgen", b"caf\xe9", ("J\N{REPLACEMENT CHARACTER}rgen", "caf\N{REPLACEMENT CHARACTER}")),
        (b"ann", b"x\x1eFORGED\x1fsomebody", ("ann", "x FORGED somebody")),
        (b"ann", b"a\x0bb\x0cc", ("ann", "a b c")),
        ("a\N{LINE SEPARATOR}b".encode(), b"s", ("a b", "s")),
    ],
)
def test_any_bytes_are_shown_as_text(folder, plumb, author, subject, shown):
    [commit] = git_browse.history(Git(folder), made(plumb, author=author, subject=subject))
    assert (commit.author, commit.subject) == shown


def test_a_subject_is_cut(folder, plumb):
    [commit] = git_browse.history(Git(folder), made(plumb, subject="e\u0301".encode() * 50_000))
    assert len(commit.subject) <= git_browse.LONGEST_SUBJECT


def test_what_a_message_says_below_its_subject_is_told_too_and_cut(folder, plumb):
    [commit] = git_browse.history(
        Git(folder), made(plumb, subject=b"a\nb\n\n- one\x1f\n- two\n\n" + b"x" * 9000)
    )
    assert commit.subject == "a b"
    assert commit.body.startswith("- one \n- two\n\nxxx")
    assert len(commit.body) <= git_browse.LONGEST_BODY


@pytest.mark.parametrize("at", [b"-18446744073709551615", b"99999999999999999", b"18446744073709551615"])
def test_a_time_out_of_all_calendars_is_none(folder, plumb, at):
    [commit] = git_browse.history(Git(folder), made(plumb, at=at))
    assert commit.at is None or commit.at.year >= 1970


def test_a_history_of_very_long_lines_is_read_up_to_a_bound(folder, plumb):
    commit = made(plumb, subject=b"x" * 3_000_000)
    assert git_browse.history(Git(folder), commit) == []


def test_names_that_are_no_text_are_shown_and_lead_nowhere(folder, plumb):
    blob = plumb("hash-object", "-w", "--stdin", given=b"x")
    entries = b"".join(
        b"100644 blob " + blob.encode() + b"\t" + name + b"\0" for name in (b"caf\xe9", b"a\nb", b"plain")
    )
    tree = plumb("mktree", "-z", given=entries)
    commit = plumb("-c", "user.name=a", "-c", "user.email=b", "commit-tree", tree, "-m", "m")
    shown = {one.shown: one.is_plain for one in git_browse.listing(Git(folder), commit).entries}
    assert shown == {"caf\N{REPLACEMENT CHARACTER}": False, "a\nb": False, "plain": True}


def test_what_is_not_there_is_not_found(folder, plumb):
    with pytest.raises(NotFound):
        git_browse.file(Git(folder), made(plumb), "none")
