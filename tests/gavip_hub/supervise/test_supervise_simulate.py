"""`gavip admin simulate`: policies side by side on a trace."""

import pytest
from click.testing import CliRunner

from gavip_hub.domain.ending import End
from gavip_hub.storage.migrate import upgrade
from gavip_hub.supervise.simulate import simulate_command
from gavip_hub.testing import exit_record
from tests.support.engine import Engine, prepared

SMALL = ["--users", "5", "--days", "0.1", "--platform", "64", "16", "--quota", "16", "4"]


def run(*arguments):
    return CliRunner().invoke(simulate_command, arguments)


def test_policies_stand_side_by_side():
    done = run(*SMALL, "--policy", "fair-share", "--policy", "fifo")
    assert done.exit_code == 0
    head, violations = (
        next(line for line in done.stdout.splitlines() if word in line) for word in ("fifo", "violations")
    )
    assert head.split() == ["fair-share", "fifo"]
    assert violations.split() == ["violations", "0", "0"]


def test_a_trace_that_was_saved_gives_the_same_again(tmp_path):
    file = tmp_path / "trace.csv"
    made = run(*SMALL, "--policy", "fifo", "--save", str(file))
    read = run("--trace", str(file), "--policy", "fifo", *SMALL[4:])
    assert read.stdout == made.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "lottery"], "there is no policy 'lottery'; installed: fair-share"),
        (["--trace", "empty"], "at least two jobs"),
        (["--trace", "large"], "never fits"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_next_step(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    head = "job,owner,pipeline,at,memory_mb,cpu,runs,time_limit\n"
    (tmp_path / "empty").write_text(head)
    (tmp_path / "large").write_text(head + "a,ann,p,0,1000000,1,1,1\nb,ann,p,0,1,1,1,1\n")
    done = run(*SMALL, *arguments)
    assert done.exit_code == 2
    assert words in done.output


@pytest.fixture
def data_root(tmp_path):
    """Return the data root of a platform on which two jobs have run."""
    url = f"sqlite:///{tmp_path / 'gavip.sqlite'}"
    upgrade(url)
    engine = Engine(database=prepared(url), root=tmp_path)
    for _ in range(2):
        job = engine.submit().id
        engine.lifecycle.claim_one(job)
        engine.lifecycle.run_one(job, 1)
        engine.clock.advance(60)
        engine.lifecycle.finish_one(job, 1, End(exit=exit_record()))
    engine.database.close()
    return tmp_path


def test_what_a_platform_has_run_is_a_trace(data_root):
    done = run("--recorded", str(data_root), "--policy", "fifo", "--platform", "4", "4", "--quota", "4", "4")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 jobs of 1 users")
