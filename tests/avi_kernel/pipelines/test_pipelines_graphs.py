"""Jobs that are task graphs: real Luigi, in the runner's own process of them."""

import json
import shutil
from pathlib import Path

import pytest

from avi_kernel.pipelines import AviParameter, AviTask
from avi_kernel.pipelines.tasks import ParameterException
from tests.support.jobs import AVIS, Ran, document_of, run_job


def rerun(root: Path, code: Path | None = None, **parameters) -> Ran:
    """Run a job in a folder where others ran before: only the attempt's folder is new."""
    shutil.rmtree(root / "attempt", ignore_errors=True)
    document = document_of("graph", "squares", folder=code, **parameters)
    return run_job(root, document, code=code)


@pytest.fixture
def own_graph(tmp_path) -> Path:
    """A copy of the graph, to be changed."""
    return Path(shutil.copytree(AVIS / "graph", tmp_path / "avi"))


def test_a_graph_computes_and_leaves_its_result(tmp_path):
    ran = rerun(tmp_path, count=4)
    assert ran.exit_code == 0, ran.log
    assert json.loads(ran.result("total.json")) == {"total": 14}
    titles = {entry.name: entry.title for entry in ran.outcome.results}
    assert titles == {"total.json": "Sum of squares"}


def test_nothing_is_computed_twice(tmp_path):
    rerun(tmp_path, count=4)
    again = rerun(tmp_path, count=4)
    assert "started" not in again.log
    assert again.log.count("skipped") == 2
    assert json.loads(again.result("total.json")) == {"total": 14}


def test_other_parameters_make_other_outputs(tmp_path):
    rerun(tmp_path, count=4)
    assert json.loads(rerun(tmp_path, count=3).result("total.json")) == {"total": 5}


def test_a_change_of_the_code_computes_again(tmp_path, own_graph):
    rerun(tmp_path, own_graph, count=4)
    module = own_graph / "pipelines" / "squares.py"
    module.write_text(module.read_text().replace("n * n", "n * n * n"))
    assert json.loads(rerun(tmp_path, own_graph, count=4).result("total.json")) == {"total": 36}


def test_a_changed_readme_does_not(tmp_path, own_graph):
    rerun(tmp_path, own_graph)
    (own_graph / "README.md").write_text("new words")
    assert "started" not in rerun(tmp_path, own_graph).log


def test_a_failing_task_is_named_with_its_own_source(tmp_path):
    error = rerun(tmp_path, fail=True).outcome.error
    assert error.code == "raised"
    assert error.step == "SumOfSquares"
    assert "RuntimeError: asked to fail" in error.message
    assert error.source.lstrip().startswith("def run(self):")


def test_what_was_done_before_a_failure_is_not_done_again(tmp_path):
    rerun(tmp_path, fail=True)
    assert "Numbers: its output is there already" in rerun(tmp_path).log


ENDED_WHILE_WRITING = """import os, pathlib
        mark, path = pathlib.Path(os.environ["GAVIP_WORK_DIR"], "mark"), pathlib.Path(self.output().path)
        path.write_text('{"total"')
        if not mark.exists():
            mark.touch()
            {ending}
        path.write_text('{"total": 14}')
        return"""


@pytest.mark.parametrize("ending", ["os._exit(9)", "os.kill(os.getpid(), 9)", "raise RuntimeError"])
def test_what_a_job_was_writing_when_it_ended_is_not_taken_for_whole(tmp_path, own_graph, ending):
    module = own_graph / "pipelines" / "squares.py"
    changed = ENDED_WHILE_WRITING.replace("{ending}", ending)
    module.write_text(module.read_text().replace("if self.fail:", f"{changed}\n        if self.fail:"))
    assert rerun(tmp_path, own_graph, count=4).outcome.status == "error"
    assert json.loads(rerun(tmp_path, own_graph, count=4).result("total.json")) == {"total": 14}
    again = rerun(tmp_path, own_graph, count=4)
    assert "SumOfSquares: its output is there already" in again.log


@pytest.mark.parametrize(
    ("ending", "code"),
    [("import os; os._exit(4)", "exited"), ("raise SystemExit(4)", "exited"), ("pass", "raised")],
)
def test_a_task_that_ends_oddly_is_told(tmp_path, own_graph, ending, code):
    module = own_graph / "pipelines" / "squares.py"
    text = module.read_text().replace('raise RuntimeError("asked to fail")', f"{ending}\n            return")
    module.write_text(text)
    ran = rerun(tmp_path, own_graph, fail=True)
    assert ran.exit_code == 1
    assert ran.outcome.error.code == code


def test_a_module_that_cannot_be_imported_is_told(tmp_path, own_graph):
    module = own_graph / "pipelines" / "squares.py"
    module.write_text("import no_such_package\n" + module.read_text())
    assert "no_such_package" in rerun(tmp_path, own_graph).outcome.error.message


def test_a_parameter_is_typed_and_bounded():
    class Cone(AviTask):
        radius = AviParameter(1.0, minimum=0.1, maximum=10, unit="deg")
        name = AviParameter(type=str)

    assert Cone(radius="2", name="M45").radius == 2.0
    with pytest.raises(ParameterException, match=r"at most 10 deg"):
        Cone(radius=11, name="M45")
    with pytest.raises(ParameterException, match="requires the 'name' parameter"):
        Cone()


def test_a_parameter_without_type_and_default_is_refused():
    with pytest.raises(TypeError, match="say the parameter's type"):
        AviParameter()
