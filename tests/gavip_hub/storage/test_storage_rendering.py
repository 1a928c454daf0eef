"""What a hostile template takes is little; it is ended with its reason, reads nothing, and leaves nothing behind."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from gavip_hub.exceptions import BadTemplate
from gavip_hub.storage import rendering
from gavip_hub.storage.rendering import TemplateRenderer, TemplateSource
from gavip_hub.storage.repositories import Repositories
from tests.support.templates import QUESTIONS, git, template_of

TOO_MUCH = "takes too much memory or time"
ENDLESS = "makes files without end"
BEGIN = f"_subdirectory: template\n{QUESTIONS}"
LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
DOUBLED = "{% set n = namespace(x='x') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
BOMBS = {
    "processor": (LOOPS, TOO_MUCH),
    "expression": ("{{ ('a' * 40 ~ 'b') | regex_search('(a+)+$') }}", TOO_MUCH),
    "memory": ("{{ 'x' * 10**10 }}", "more memory than there is for it"),
    "doubled": (DOUBLED, "more memory than there is for it"),
    "file": ("{{ 'x' * (17 * 1024 * 1024) }}", "makes a file that is too large"),
}


@pytest.fixture
def house(tmp_path):
    repositories = Repositories(root=tmp_path)
    repositories.make("ours")
    return SimpleNamespace(
        repositories=repositories,
        renderer=TemplateRenderer(root=tmp_path, repositories=repositories),
        root=tmp_path,
        source=tmp_path / "source",
    )


def push(house, files=None):
    template_of(house.source, files)
    git(house.source, "push", "-qf", str(house.repositories.folder("ours")), "main", "v1.0.0")


def made(house) -> dict[str, str]:
    """Make an AVI's files; they and all else are gone afterwards."""
    source = TemplateSource(address="http://g/ours.git", version="1.0.0", avi="ours", tag="refs/tags/v1.0.0")
    try:
        with house.renderer.made(source, proposed={}) as tree:
            return {path: Path(tree.folder, path).read_text() for path in tree.files}
    finally:
        assert not list((house.root / "templates").iterdir())


@pytest.mark.parametrize(("line", "words"), BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_is_ended_with_its_reason(house, monkeypatch, line, words):
    if words == TOO_MUCH:  # the others need their time until memory ends
        monkeypatch.setattr(rendering, "PROCESSOR", 2)
    push(house, {"template/x.jinja": line})
    with pytest.raises(BadTemplate, match=words):
        made(house)


def test_one_that_takes_too_long_is_ended_with_its_reason(house, monkeypatch):
    monkeypatch.setattr(rendering, "SECONDS", 1.0)
    push(house, {"template/x.jinja": LOOPS})
    with pytest.raises(BadTemplate, match=TOO_MUCH):
        made(house)


def test_one_that_ends_the_program_otherwise_is_not_told_to_be_too_large(house, monkeypatch):
    monkeypatch.setattr(rendering, "_run", lambda request, room: 1)
    push(house)
    with pytest.raises(BadTemplate, match=r"ends the program .* \(exit 1\)"):
        made(house)


@pytest.mark.parametrize(("limit", "value"), [("LARGEST_MADE", 1024 * 1024), ("MOST_FILES", 20)])
def test_files_without_end_are_ended_with_their_reason(house, monkeypatch, limit, value):
    monkeypatch.setattr(rendering, limit, value)
    name = "{% yield i from range(99999) %}{{ i }}{% endyield %}.txt.jinja"
    push(house, {f"template/{name}": "{{ 'x' * 100000 }}"})
    with pytest.raises(BadTemplate, match=ENDLESS):
        made(house)


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MOST_FILES", 20, "33 files of 1.5 MB; at most 20 and 64 MB"),
        ("LARGEST_MADE", 1024 * 1024, "of 1.5 MB"),
    ],
)
def test_too_many_files_are_refused_with_their_number(house, monkeypatch, limit, value, words):
    monkeypatch.setattr(rendering, limit, value)
    push(
        house,
        {"template/{% yield i from range(30) %}{{ i }}{% endyield %}.txt.jinja": "{{ 'x' * 50 * 1024 }}"},
    )
    with pytest.raises(BadTemplate, match=words):
        made(house)


@pytest.mark.parametrize(("limit", "value"), [("LARGEST_TEMPLATE", 1000), ("MOST_FILES", 3)])
def test_a_template_that_is_too_large_is_refused_before_it_is_copied(house, monkeypatch, limit, value):
    monkeypatch.setattr(rendering, limit, value)
    push(house, {"template/data.txt": "x" * 2000})
    with pytest.raises(BadTemplate, match="It is too large: at most"):
        made(house)


def test_a_link_of_a_template_leads_nowhere(house):
    (house.root / "secret").write_text("nobody's business")
    (house.source / "template").mkdir(parents=True)
    for link in ("link", "template/said.txt"):
        (house.source / link).symlink_to(house.root / "secret")
    push(house, {"template/read.txt.jinja": "{% include 'link' %}"})
    files = made(house)
    assert files["said.txt"] == files["read.txt"] == str(house.root / "secret")


def test_a_submodule_is_refused_in_words_and_never_fetched(house):
    push(house)
    git(house.source, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},template/other")
    git(house.source, "commit", "-qm", "other")
    git(house.source, "tag", "-f", "v1.0.0")
    git(house.source, "push", "-qf", str(house.repositories.folder("ours")), "v1.0.0")
    with pytest.raises(BadTemplate, match="template/other: is a submodule; put its files themselves there"):
        made(house)


SECRETS = "../../../secrets"
SPYING = {
    "include": (
        {"copier.yml": f"{BEGIN}---\n!include ../{SECRETS}/passwords.yml\n"},
        "must be inside the template",
    ),
    "data": (
        {
            "copier.yml": f"{BEGIN}_external_data:\n  told: {SECRETS}/passwords.yml\n",
            "template/x.jinja": "{{ _external_data.told }}",
        },
        "is forbidden",
    ),
    "folder": ({"copier.yml": f"_subdirectory: {SECRETS}\n"}, "is forbidden"),
    "folder of an expression": (
        {"copier.yml": "_subdirectory: \"{{ '..' }}/../../secrets\"\n"},
        "is forbidden",
    ),
    "template": ({"template/said.jinja": f"{{% include '{SECRETS}/passwords.yml' %}}"}, "cannot be used"),
    "name": ({"template/{{ '..' ~ _copier_conf.sep ~ 'out' }}.txt": "written outside"}, "is forbidden"),
    "answers": (
        {
            "copier.yml": f"{BEGIN}_answers_file: ../../out.txt\n",
            "template/{{ _copier_conf.answers_file }}": "written outside",
        },
        "is forbidden",
    ),
}


@pytest.mark.parametrize(("files", "words"), SPYING.values(), ids=list(SPYING))
def test_a_template_reads_and_writes_nothing_outside(house, files, words):
    (house.root / "secrets").mkdir()
    (house.root / "secrets" / "passwords.yml").write_text("operator: treasure\n")
    push(house, files)
    with pytest.raises(BadTemplate, match=words) as refused:
        made(house)
    assert "treasure" not in refused.value.message
    assert str(house.root) not in refused.value.message
    assert not list(house.root.rglob("out.txt"))
