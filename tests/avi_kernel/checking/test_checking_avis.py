"""A good AVI passes everything; each bad one gets its own mark and no other."""

import os

import pytest

from avi_kernel.checking.check import check
from tests.support import checked_avis
from tests.support.avis import notebook, write_avi

NO_ARCHIVE = {**os.environ, "GAVIP_ARCHIVE_URL": "http://127.0.0.1:9/tap"}


def marks(tmp_path, folder):
    (tmp_path / "scratch").mkdir()
    card = check(folder, scratch=tmp_path / "scratch", environ=NO_ARCHIVE)
    assert all(mark.sentence for mark in card.marks)
    return card, {mark.key: mark.state for mark in card.marks if mark.state != "passed"}


@pytest.mark.acceptance
def test_a_good_avi_passes_everything(tmp_path):
    card, odd = marks(tmp_path, checked_avis.good_avi(tmp_path / "avi"))
    assert odd == {}
    assert "nothing leaks" in card.mark("memory").sentence
    assert [run.name for run in card.runs] == ["app.ipynb", "counts"]


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("bad", "failed", "named"),
    [
        (checked_avis.random_avi, "repeatable", "stars.csv"),
        (checked_avis.calling_avi, "hosts", "catalogue.example"),
        (checked_avis.leaking_avi, "memory", "leaks"),
        (checked_avis.broken_avi, "interface", "NameError: name 'catalog' is not defined"),
    ],
)
def test_a_bad_avi_gets_exactly_its_own_mark(tmp_path, bad, failed, named):
    card, odd = marks(tmp_path, bad(tmp_path / "avi"))
    assert odd == {failed: "failed"}
    assert named in card.mark(failed).sentence
    assert card.mark(failed).change


@pytest.mark.acceptance
def test_a_graph_of_tasks_is_run_twice_from_the_beginning(tmp_path):
    module = """
        import random
        from avi_kernel.pipelines import AviParameter, AviTask


        class Draw(AviTask):
            count = AviParameter(3, help="How many.", minimum=1, maximum=9)

            def output(self):
                return self.target("drawn.csv")

            def run(self):
                with self.output().open("w") as file:
                    file.write("x\\n" + "\\n".join(str(random.random()) for _ in range(self.count)))
        """
    folder = write_avi(tmp_path / "avi", {"pipelines/draw.py": module})
    card, odd = marks(tmp_path, folder)
    assert odd == {"repeatable": "failed", "interface": "skipped", "tests": "warning"}
    assert "drawn.csv" in card.mark("repeatable").sentence


@pytest.mark.acceptance
def test_every_notebook_that_people_see_is_rendered_as_they_see_it(tmp_path):
    cell = """
        from avi_kernel import profile

        print(profile.is_outreach(profile.current()))
        assert profile.is_outreach(profile.current()) is {}
        """
    files = {
        "app.ipynb": notebook(cell.format(False)),
        "app_outreach.ipynb": notebook(cell.format(True)),
        "dashboard_sky.ipynb": notebook("raise ValueError('no sky')"),
    }
    card, _ = marks(tmp_path, write_avi(tmp_path / "avi", files))
    assert card.mark("interface").sentence == "dashboard_sky.ipynb, cell 1: ValueError: no sky"
    assert [run.name for run in card.runs] == list(files)


@pytest.mark.acceptance
def test_what_hangs_is_ended_and_said(tmp_path):
    folder = write_avi(tmp_path / "avi", {"app.ipynb": notebook("while True: pass")})
    (tmp_path / "scratch").mkdir()
    card = check(folder, scratch=tmp_path / "scratch", seconds=12, environ=NO_ARCHIVE)
    assert card.mark("time").state == "failed"
    assert card.mark("interface").state == "skipped"


def test_an_error_inside_a_widget_fails_the_interface(tmp_path):
    cell = """
        import ipywidgets as widgets

        shown = widgets.Output()
        with shown:
            1 / 0
        shown
        """
    card, _ = marks(tmp_path, write_avi(tmp_path / "avi", {"app.ipynb": notebook(cell)}))
    assert "in an Output widget: ZeroDivisionError" in card.mark("interface").sentence


def test_what_is_no_avi_is_said_to_be_none(tmp_path):
    card, odd = marks(tmp_path, write_avi(tmp_path / "avi", {"avi.toml": "titel = 'x'"}))
    assert odd == {"installs": "failed", **dict.fromkeys([*odd][1:], "skipped")}
    assert "line 1: titel: unknown key" in card.mark("installs").sentence
