import json

import pytest

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.parameters import ParameterSpec
from tests.support.avis import notebook, star_counter, write_avi


def pipeline(tmp_path, parameters, toml=""):
    write_avi(tmp_path, {"avi.toml": toml, "pipelines/p.ipynb": notebook("1", parameters=parameters)})
    return read_release(tmp_path).pipelines[0]


def refusal(folder):
    with pytest.raises(FolderProblem) as caught:
        read_release(folder)
    return caught.value


def test_a_folder_with_only_an_interface_is_an_avi(tmp_path):
    write_avi(tmp_path, {"app.ipynb": notebook("1")})
    release = read_release(tmp_path)
    assert (release.interface, release.pipelines) == ("app.ipynb", [])


def test_an_empty_folder_is_not(tmp_path):
    assert "neither app.ipynb nor a pipeline" in str(refusal(tmp_path))


def test_everything_an_avi_declares_is_found_and_survives_the_wire(tmp_path):
    star_counter(tmp_path)
    write_avi(tmp_path, {"app_outreach.ipynb": notebook("1"), "dashboard_sky.ipynb": notebook("1")})
    release = read_release(tmp_path)
    assert release.outreach_interface == "app_outreach.ipynb"
    assert release.dashboards == ["dashboard_sky.ipynb"]
    assert release.readme == "# Star counter\n"
    assert release.pipelines[0].resources.memory == "200 + 40 * radius"
    assert ReleaseSpec.model_validate_json(release.model_dump_json()) == release


def test_parameters_carry_type_default_and_help_of_the_cell_and_details_of_the_manifest(tmp_path):
    toml = "[pipelines.p.parameters.radius]\nunit = 'deg'\nminimum = 0.1\nmaximum = 5"
    found = pipeline(
        tmp_path,
        "radius: float = 2  # of the cone\nname = 'x'\nn: int\nflag = False\nra: float | None = None",
        toml,
    ).parameters
    assert found == [
        ParameterSpec(
            name="radius", type="number", default=2.0, help="of the cone", unit="deg", minimum=0.1, maximum=5
        ),
        ParameterSpec(name="name", type="string", default="x"),
        ParameterSpec(name="n", type="integer"),
        ParameterSpec(name="flag", type="boolean", default=False),
        ParameterSpec(name="ra", type="number", optional=True),
    ]


def test_reading_parameters_executes_nothing(tmp_path):
    marker = tmp_path / "ran"
    problem = None
    try:
        pipeline(tmp_path, f"x = open({str(marker)!r}, 'w').write('1')")
    except FolderProblem as caught:
        problem = caught
    assert "must be a plain value" in str(problem)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("x = [1, 2]", "x: a parameter is int, float, str, bool or Path"),
        ("x: list = 1", "x: its type must be int, float, str, bool or Path; got `list`"),
        ("x: float | None = 2.0", "`x: float | None = None`"),
        ("x = None", "say its type, as in `x: float`"),
        ("for i in range(3): pass", "only `name: type = value` is accepted"),
        ("x = 1 +", "line 1"),
        ("_x = 1", "_x.name: must be a name of at most 64 letters"),
        ("x: int = 1.5", "must be a whole number"),
    ],
)
def test_a_bad_parameters_cell_is_told_with_its_file(tmp_path, cell, words):
    with pytest.raises(FolderProblem) as caught:
        pipeline(tmp_path, cell)
    assert str(caught.value).startswith("pipelines/p.ipynb")
    assert words in str(caught.value)


X = "[pipelines.p.parameters.x]\n"


@pytest.mark.parametrize(
    ("toml", "key", "words"),
    [
        ("titel = 'x'", "titel", "unknown key; accepted here: title, summary"),
        ("[pipelines.p]\nmemroy = 3", "pipelines.p.memroy", "accepted here: memory, cpu, time_limit"),
        (
            X + "units = 'm'",
            "pipelines.p.parameters.x.units",
            "accepted here: title, help",
        ),
        ("[[authors]]\nnam = 'x'\nname = 'y'", "authors.0.nam", "accepted here: name, email"),
        (
            "[pipelines.p.parameters.y]\nunit = 'm'",
            "pipelines.p.parameters.y",
            "no such parameter; it has: x",
        ),
        ("[pipelines.q]\n", "pipelines.q", "there is no pipelines/q.ipynb"),
        (
            X + "maximum = 0",
            "pipelines.p.parameters.x",
            "the default, declared beside the pipeline's code, must be at most 0; got 1",
        ),
        (
            X + "minimum = 5\nmaximum = 4",
            "pipelines.p.parameters.x",
            "5 is above the maximum, 4",
        ),
        (
            X + "choices = [1, 'a']",
            "pipelines.p.parameters.x.choices",
            "must be a whole",
        ),
        ("[pipelines.p]\ncpu = -1", "pipelines.p.cpu", "must be more than 0; got -1"),
        ("[pipelines.p]\nneeds = ['q']", "pipelines.p.needs", "there is no pipeline 'q'"),
        ("[pipelines.p]\nneeds = ['p']", "pipelines.p.needs", "in a circle: p -> p"),
        ("a = = 1", "", "is not valid TOML"),
    ],
)
def test_a_bad_manifest_is_told_with_its_key_and_what_would_be_accepted(tmp_path, toml, key, words):
    with pytest.raises(FolderProblem) as caught:
        pipeline(tmp_path, "x: int = 1", toml)
    assert caught.value.file == "avi.toml"
    assert caught.value.key.startswith(key)
    assert words in str(caught.value)


def test_needed_notebooks_run_first_in_order_and_lend_their_parameters(tmp_path):
    write_avi(
        tmp_path,
        {
            "avi.toml": "[pipelines.c]\nneeds = ['b', 'a']\n[pipelines.b]\nneeds = ['a']\nhidden = true",
            "pipelines/a.ipynb": notebook(parameters="n = 1"),
            "pipelines/b.ipynb": notebook(parameters="m = 2\nn = 5"),
            "pipelines/c.ipynb": notebook(parameters="k = 3\nm = 4"),
        },
    )
    last = read_release(tmp_path).pipelines[2]
    assert last.steps == ["pipelines/a.ipynb", "pipelines/b.ipynb"]
    assert {spec.name: spec.default for spec in last.parameters} == {"k": 3, "m": 4, "n": 1}


def test_a_circle_of_needs_is_refused(tmp_path):
    write_avi(
        tmp_path,
        {
            "avi.toml": "[pipelines.a]\nneeds = ['b']\n[pipelines.b]\nneeds = ['a']",
            "pipelines/a.ipynb": notebook("1"),
            "pipelines/b.ipynb": notebook("1"),
        },
    )
    assert "circle: a -> b -> a" in str(refusal(tmp_path))


LUIGI = """
from avi_kernel.pipelines import AviParameter, AviTask

class Download(AviTask):
    radius: float = AviParameter(default=1.0, help="of the cone", minimum=0.1)

class SkyMap(Download):
    order = AviParameter(6, maximum=12, choices=[6, 8])

class Other(AviTask):
    pass
"""


def test_a_luigi_module_is_a_pipeline_with_the_parameters_of_its_task(tmp_path):
    write_avi(tmp_path, {"pipelines/sky_map.py": LUIGI, "pipelines/helpers.py": "x = 1\n"})
    (found,) = read_release(tmp_path).pipelines
    assert (found.name, found.kind, found.task) == ("sky_map", "luigi", "SkyMap")
    assert [(p.name, p.type, p.default) for p in found.parameters] == [
        ("radius", "number", 1.0),
        ("order", "integer", 6),
    ]


def test_an_unknown_keyword_of_a_task_parameter_is_refused(tmp_path):
    module = "class T(AviTask):\n    x = AviParameter(1, minimun=0)\n"
    write_avi(tmp_path, {"pipelines/t.py": module})
    assert "no 'minimun'; accepted: default, type" in str(refusal(tmp_path))


@pytest.mark.parametrize("name", ["avi.toml", "app.ipynb", "README.md", "pipelines/p.ipynb"])
def test_a_link_out_of_the_folder_is_refused(tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_text(notebook("1"))
    folder = write_avi(tmp_path / "avi", {"pipelines/q.ipynb": notebook("1")})
    (folder / name).symlink_to(secret)
    assert "is a link out of the AVI's folder" in str(refusal(folder))


def test_a_linked_pipelines_folder_is_refused_too(tmp_path):
    write_avi(tmp_path / "elsewhere", {"q.ipynb": notebook("1")})
    folder = write_avi(tmp_path / "avi", {"app.ipynb": notebook("1")})
    (folder / "pipelines").symlink_to(tmp_path / "elsewhere")
    assert "is a link out of the AVI's folder" in str(refusal(folder))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000])
def test_what_is_no_notebook_is_told_so(tmp_path, text):
    write_avi(tmp_path, {"app.ipynb": text})
    assert "is not a notebook" in str(refusal(tmp_path))


def test_a_notebook_in_another_language_is_told_so(tmp_path):
    for name in ("app.ipynb", "pipelines/p.ipynb"):
        text = notebook("x <- 1").replace('"language": "python"', '"language": "R"')
        folder = write_avi(tmp_path / name, {name: text})
        assert (
            str(refusal(folder))
            == f"{name}: is written for a kernel of 'R'; only notebooks in Python run here"
        )


def test_a_notebook_that_names_no_kernel_is_taken_for_python(tmp_path):
    text = json.dumps({**json.loads(notebook("1")), "metadata": {"kernelspec": {"name": "no-such-kernel"}}})
    assert read_release(write_avi(tmp_path, {"app.ipynb": text})).interface == "app.ipynb"


def test_a_pipelines_file_name_must_make_an_identifier(tmp_path):
    write_avi(tmp_path, {"pipelines/My Pipeline.ipynb": notebook("1")})
    assert "a pipeline's file name is lower-case" in str(refusal(tmp_path))


def lattice(folder, *, floors):
    """Write pipelines of which each two need both of the floor below."""
    names = [f"{side}{floor}" for floor in range(floors) for side in "ab"]
    toml = "".join(
        f"[pipelines.{side}{floor}]\nneeds = ['a{floor - 1}', 'b{floor - 1}']\n"
        for floor in range(1, floors)
        for side in "ab"
    )
    files = {f"pipelines/{name}.ipynb": notebook("1") for name in names}
    return write_avi(folder, {"avi.toml": toml, **files})


def test_a_lattice_of_needs_runs_each_notebook_once(tmp_path):
    found = {spec.name: spec for spec in read_release(lattice(tmp_path, floors=40)).pipelines}
    assert len(found["a39"].steps) == 78


def test_needs_run_in_the_order_of_the_manifest_and_after_their_own(tmp_path):
    toml = "[pipelines.d]\nneeds = ['c', 'a']\n[pipelines.c]\nneeds = ['b']"
    write_avi(tmp_path, {"avi.toml": toml, **{f"pipelines/{name}.ipynb": notebook("1") for name in "abcd"}})
    assert [path[10] for path in read_release(tmp_path).pipelines[3].steps] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"pipelines/p.py": "a=1\n" * 70_000}, "pipelines/p.py: is larger than 256 kB"),
        (
            {f"pipelines/{name}.py": "a=1\n" * 60_000 for name in "abcde"},
            "pipelines: its modules come to 1171 kB; at most 1024 kB are read",
        ),
        (
            {"pipelines/p.ipynb": notebook(parameters="#" * 300_000)},
            "pipelines/p.ipynb, cell tagged 'parameters': has 292 kB of code; at most 256 kB are read",
        ),
        (
            {"pipelines/p.ipynb": notebook(parameters="a = 1\n" * 201)},
            "pipelines/p.ipynb: declares 201 parameters; at most 200 are accepted",
        ),
        ({"avi.toml": "#" * 300_000}, "avi.toml: is larger than 256 kB"),
        ({"avi.toml": "title=" + "[" * 100_000}, "avi.toml: is not valid TOML: it is nested too deeply"),
        ({"avi.toml": "title=" + "1" * 5000}, "avi.toml: is not valid TOML: exceeds the limit"),
        (
            {"avi.toml": f"title = '{'x' * 201}'"},
            "avi.toml, line 1: title: must have at most 200 characters; it has 201",
        ),
        (
            {"avi.toml": f"summary = '{'x' * 2001}'"},
            "avi.toml, line 1: summary: must have at most 2000 characters; it has 2001",
        ),
        (
            {"avi.toml": f"keywords = {['x'] * 51}"},
            "avi.toml, line 1: keywords: must have at most 50 entries; it has 51",
        ),
        (
            {"avi.toml": "title = 'a\\u0000'\n".replace("'", '"')},
            "avi.toml, line 1: title: must be text without NUL",
        ),
        ({"app.ipynb": "[" * 6_000_000}, "app.ipynb: is larger than 5120 kB; clear the notebook's outputs"),
    ],
)
def test_what_would_cost_the_platform_too_much_is_refused_in_words(tmp_path, files, words):
    write_avi(tmp_path, {"app.ipynb": notebook("1"), **files})
    assert str(refusal(tmp_path)).startswith(words)


def test_a_release_that_declares_a_megabyte_is_refused(tmp_path):
    cell = "\n".join(f"p{index} = '{'x' * 19_000}'" for index in range(13))
    write_avi(tmp_path, {f"pipelines/{name}.ipynb": notebook(parameters=cell) for name in "abcdef"})
    assert "come to 14" in str(refusal(tmp_path))


def test_a_long_readme_is_cut_and_says_so(tmp_path):
    write_avi(tmp_path, {"app.ipynb": notebook("1"), "README.md": "word " * 10_000})
    release = read_release(tmp_path)
    assert (len(release.readme), release.readme_cut) == (30_000, True)
