"""Operators add, version and retire templates; what is hostile or no template is refused, and takes little."""

from types import SimpleNamespace

import pytest

from avi_kernel.protocol.templates import TemplateAdd, TemplateChange
from gavip_hub.exceptions import BadRequest, BadTemplate, Conflict, Forbidden, NotFound
from gavip_hub.services.authoring import AuthoringService
from gavip_hub.services.projects import ProjectService
from gavip_hub.services.templates import TemplateService
from gavip_hub.storage.rendering import TemplateRenderer
from gavip_hub.storage.repositories import Repositories
from tests.support.desk import Desk
from tests.support.templates import QUESTIONS, git, template_of


@pytest.fixture
def house(desk: Desk, tmp_path):
    """The services around templates, and dora's public project `ours` with what lies in `source`."""
    repositories = Repositories(root=tmp_path)
    common = {"repositories": repositories, "config": desk.config, "clock": desk.clock}
    projects = ProjectService(database=desk.database, **common)
    templates = TemplateService(
        database=desk.database,
        projects=projects,
        releases=desk.releases,
        renderer=TemplateRenderer(root=tmp_path, repositories=repositories),
        **common,
    )
    authoring = AuthoringService(
        projects=projects, releases=desk.releases, templates=templates, changed=lambda _: None, **common
    )
    projects.create(owner="dora", name="ours")
    projects.change(owner="dora", name="ours", source="public")
    return SimpleNamespace(
        templates=templates,
        projects=projects,
        repositories=repositories,
        authoring=authoring,
        root=tmp_path,
        source=tmp_path / "source",
    )


def push(house, files=None, *, version="1.0.0", questions=QUESTIONS):
    """Make a version of the template, in the platform's own repository."""
    source = template_of(house.source, files, version=version, questions=questions)
    git(source, "push", "-qf", str(house.repositories.folder("ours")), "main", f"v{version}")


def add(house, **more):
    return house.templates.add(TemplateAdd(**{"name": "faint", "project": "ours", **more}), by="olga")


def change(house, **more):
    return house.templates.change("faint", TemplateChange(**more), by="olga")


def names(house, viewer="ann", **more):
    return [view.name for view in house.templates.every(viewer=viewer, **more)]


def files_of(house, project):
    return house.repositories.git(project).run("ls-tree", "-r", "--name-only", "main").splitlines()


def test_those_of_the_platform_are_there_from_the_start(house):
    assert names(house) == ["python", "dashboard", "fortran", "java"]


def test_a_repository_becomes_a_template_that_everybody_may_take(house):
    push(house)
    view = add(house, summary="Faint stars.")
    assert (view.version, view.state, view.title, view.changed_by) == ("1.0.0", "offered", "Faint", "olga")
    assert names(house)[-1] == "faint"


def test_a_project_is_made_of_it_by_its_defaults_and_remembers_it(house):
    push(house)
    add(house)
    made = house.authoring.begin_of_template(owner="ann", name="my-stars", template="faint")
    assert (made.owner, made.name) == ("ann", "my-stars")
    assert ".copier-answers.yml" in files_of(house, "my-stars")
    told = house.repositories.git("my-stars")
    assert 'title = "My stars"' in told.run("cat-file", "blob", "main:avi.toml")
    answers = told.run("cat-file", "blob", "main:.copier-answers.yml")
    assert f"_src_path: {house.templates.get(viewer='ann', name='faint').address}" in answers
    assert "_commit: v1.0.0" in answers
    assert not list((house.root / "templates").iterdir())


def test_a_packaged_one_makes_a_project_too(house):
    house.authoring.begin_of_template(owner="ann", name="my-stars", template="python")
    assert "app.ipynb" in files_of(house, "my-stars")


def test_a_new_tag_is_offered_once_an_operator_took_it(house):
    push(house)
    add(house)
    push(house, {"template/new.txt": "new\n"}, version="1.10.0")
    assert house.templates.get(viewer="ann", name="faint").version == "1.0.0"
    house.authoring.begin_of_template(owner="ann", name="old", template="faint")
    assert change(house, version="newest").version == "1.10.0"
    house.authoring.begin_of_template(owner="ann", name="new", template="faint")
    assert [("new.txt" in files_of(house, name)) for name in ("old", "new")] == [False, True]


def test_one_is_retired_and_offered_again(house):
    push(house)
    add(house)
    change(house, state="retired")
    assert "faint" not in names(house)
    assert "faint" in names(house, retired=True)
    with pytest.raises(Conflict, match="faint is not offered any more; there are: python"):
        house.authoring.begin_of_template(owner="ann", name="my-stars", template="faint")
    change(house, state="offered")
    assert "faint" in names(house)


def test_a_packaged_one_is_retired_too_and_its_version_is_the_platforms(house):
    house.templates.change("java", TemplateChange(state="retired"), by="olga")
    assert "java" not in names(house)
    with pytest.raises(BadRequest, match="comes with the platform"):
        house.templates.change("python", TemplateChange(version="9.0"), by="olga")


def test_a_tag_that_was_moved_is_not_what_an_operator_looked_at(house):
    push(house)
    add(house)
    (house.source / "template/more.txt").write_text("more\n")
    git(house.source, "tag", "-d", "v1.0.0")
    push(house)
    with pytest.raises(Conflict, match="not what an operator looked at"):
        house.authoring.begin_of_template(owner="ann", name="my-stars", template="faint")


def test_a_repository_that_is_private_is_refused_and_later_shown_to_its_people_alone(house):
    push(house)
    house.projects.change(owner="dora", name="ours", source="private")
    with pytest.raises(NotFound):
        add(house)
    house.projects.change(owner="dora", name="ours", source="public")
    add(house)
    house.projects.change(owner="dora", name="ours", source="private")
    assert "faint" not in names(house)
    assert "faint" in names(house, viewer="dora")
    with pytest.raises(Forbidden, match="Not everybody may read ours"):
        house.templates.add(TemplateAdd(name="other", project="ours"), by="dora")
    change(house, state="retired")


@pytest.mark.parametrize(
    ("more", "refusal", "words"),
    [
        ({"name": "Faint!"}, BadRequest, "A template's name has 2 to 20"),
        ({"name": "python"}, Conflict, "There is a template python already"),
        ({"project": "none"}, NotFound, "no project"),
        ({"version": "2.0.0"}, BadTemplate, "has no version 2.0.0; it has: 1.0.0"),
        ({"version": "--upload-pack=x"}, BadTemplate, "has no version"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_words(house, more, refusal, words):
    push(house)
    with pytest.raises(refusal, match=words):
        add(house, **more)
    assert names(house) == ["python", "dashboard", "fortran", "java"]


def test_a_name_is_given_once(house):
    push(house)
    add(house)
    with pytest.raises(Conflict, match="another name"):
        add(house)


def test_a_repository_without_copiers_file_is_no_template(house):
    push(house)
    git(house.source, "rm", "-q", "copier.yml")
    git(house.source, "commit", "-qm", "none")
    git(house.source, "tag", "v2.0.0")
    git(house.source, "push", "-q", str(house.repositories.folder("ours")), "v2.0.0")
    with pytest.raises(BadTemplate, match=r"no copier\.yml"):
        add(house)


@pytest.mark.parametrize(
    "wish", ["_tasks: ['touch {}/ran']", "_migrations: ['touch {}/ran']", "_jinja_extensions: [os.path]"]
)
def test_one_that_wants_to_run_something_is_refused(house, wish):
    push(house, questions=f"{wish.format(house.root)}\n{QUESTIONS}")
    with pytest.raises(BadTemplate, match="programs of its own"):
        add(house)
    assert not (house.root / "ran").exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"template/avi.toml.jinja": "memory = -1\n"}, "no valid AVI"),
        ({"template/.copier-answers.yml.jinja": ""}, "copier-answers"),
        ({"template/{% if true %}": "x"}, "cannot be used"),
        ({"template/x.jinja": "{% for i in range(10**9) %}x{% endfor %}"}, "cannot be used"),
        ({"template/x.jinja": "{{ 'x' * 10**10 }}"}, "more memory than there is for it"),
        ({"template/x.jinja": "{{ ''.__class__.__mro__ }}"}, "cannot be used"),
    ],
    ids=["manifest", "answers", "name", "range", "memory", "sandbox"],
)
def test_one_of_which_no_avi_can_be_made_is_refused(house, files, words):
    push(house, files)
    with pytest.raises(BadTemplate, match=words):
        add(house)
    assert not list((house.root / "templates").iterdir())


def test_no_template_learns_which_files_the_platform_has(house):
    push(
        house,
        {"template/said.txt.jinja": f"{{{{ '{house.root}/*' | fileglob }}}} {{{{ '/etc/*' | fileglob }}}}\n"},
    )
    add(house)
    house.authoring.begin_of_template(owner="ann", name="my-stars", template="faint")
    assert house.repositories.git("my-stars").run("cat-file", "blob", "main:said.txt") == "[] []"


def test_a_name_that_is_taken_costs_nothing_of_whoever_has_it(house):
    house.authoring.begin_of_template(owner="ann", name="my-stars", template="python")
    with pytest.raises(Conflict, match="has commits already"):
        house.authoring.begin_of_template(owner="ann", name="my-stars", template="python")
    with pytest.raises(NotFound):
        house.authoring.begin_of_template(owner="bob", name="my-stars", template="python")
