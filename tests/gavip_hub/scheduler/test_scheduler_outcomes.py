"""An outcome is a stranger's file: believed as far as it can be checked, and refused in words."""

import json
from hashlib import sha256

import pytest

from gavip_hub.scheduler.outcomes import LARGEST_OUTCOME, OutcomeReader
from gavip_hub.storage.userspace import AttemptFolders
from gavip_hub.testing import EPOCH


@pytest.fixture
def folder(tmp_path):
    return AttemptFolders(root=tmp_path).create(owner="ann", job="ja", attempt=1)


@pytest.fixture
def read(tmp_path):
    reader = OutcomeReader(folders=AttemptFolders(root=tmp_path), most_bytes=1_000_000)
    return lambda reported=None: reader.read(owner="ann", job="ja", attempt=1, reported=reported)


def entry(folder, name="plot.png", content=b"pixels"):
    (folder / "results" / name).write_bytes(content)
    return {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}


def outcome(*entries, **changes):
    times = {"started_at": EPOCH.isoformat(), "ended_at": EPOCH.isoformat()}
    return {"status": "completed", "results": list(entries), **times, **changes}


def write(folder, content):
    (folder / "outcome.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_results_that_are_what_they_say_are_believed(folder, read):
    write(folder, outcome(entry(folder), entry(folder, "table.vot", b"<VOTABLE/>")))
    found, defect = read()
    assert ([each.name for each in found.results], defect) == (["plot.png", "table.vot"], "")


def test_no_outcome_is_no_defect(folder, read):
    assert read() == (None, "")


def test_what_was_reported_counts_where_no_file_could_be_written(folder, read):
    found, _ = read(outcome(entry(folder)))
    assert found.results[0].name == "plot.png"


def test_the_file_counts_more_than_the_report(folder, read):
    write(folder, outcome(entry(folder)))
    found, _ = read(outcome(status="error"))
    assert found.status == "completed"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "not valid at its start"),
        ("{", "not valid at its start"),
        ("[]", "not valid at its start"),
        (outcome(status="fine"), "not valid at status"),
        (outcome(extra=1), "not valid at extra"),
        (outcome({"name": "../../secrets", "size": 1, "sha256": "0" * 64}), "not valid at results.0.name"),
        (outcome({"name": "a", "size": -1, "sha256": "0" * 64}), "not valid at results.0.size"),
        (outcome(error={"code": "x", "message": "m" * 3000}, status="error"), "not valid at error.message"),
    ],
)
def test_an_outcome_that_is_not_valid_is_refused_with_its_place(folder, read, content, complaint):
    write(folder, content)
    found, defect = read()
    assert found is None
    assert complaint in defect


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"size": 7}, "has 6 bytes, not 7"),
        ({"sha256": "0" * 64}, "was changed after its hash was taken"),
        ({"name": "other.png"}, "is missing"),
        ({"size": 2_000_000}, "more than 0 MB"),
    ],
)
def test_a_result_that_is_not_what_it_says_spoils_a_success(folder, read, changes, complaint):
    write(folder, outcome(entry(folder) | changes))
    found, defect = read()
    assert found is None
    assert complaint in defect


def test_two_results_of_one_name_are_refused(folder, read):
    write(folder, outcome(entry(folder), entry(folder)))
    assert read() == (None, "two results have the same name.")


def test_a_huge_sparse_file_is_not_read(folder, read):
    described = entry(folder)
    with (folder / "results" / "plot.png").open("r+b") as file:
        file.truncate(10**13)
    write(folder, outcome({**described, "size": 10**13}))
    assert "hold more than" in read()[1]
    write(folder, outcome({**described, "size": 10**13}, status="error"))
    assert read()[0].results == []


def test_a_huge_outcome_is_not_read(folder, read):
    write(folder, json.dumps(outcome(entry(folder))) + " " * LARGEST_OUTCOME)
    assert read() == (None, "")


def test_a_result_that_is_a_link_is_missing(folder, read, tmp_path):
    described = entry(folder)
    secret = tmp_path / "secret"
    (folder / "results" / "plot.png").rename(secret)
    (folder / "results" / "plot.png").symlink_to(secret)
    write(folder, outcome(described))
    assert "is missing" in read()[1]


def test_a_failed_job_keeps_the_results_that_are_what_they_say(folder, read):
    good, bad = entry(folder), entry(folder, "bad.txt") | {"sha256": "0" * 64}
    write(folder, outcome(good, bad, status="error"))
    found, defect = read()
    assert ([each.name for each in found.results], defect) == (["plot.png"], "")


def test_of_a_failed_job_no_more_is_read_than_any_job_may_make(folder, read):
    large = [entry(folder, f"{number}.bin", b"0" * 400_000) for number in range(3)]
    write(folder, outcome(*large, status="error"))
    assert [each.name for each in read()[0].results] == ["0.bin", "1.bin"]
