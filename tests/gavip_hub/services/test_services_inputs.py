"""Files that jobs read are found, hashed and looked at again."""

import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import ParameterSpec
from gavip_hub.exceptions import BadParameter
from gavip_hub.services.inputs import CHANGED, GONE, HASHED, HOLES, InputFiles
from gavip_hub.storage.userfiles import UserFiles

PIPELINE = PipelineSpec(
    name="count",
    kind="notebook",
    path="pipelines/count.ipynb",
    parameters=[
        ParameterSpec(name="stars", type="file"),
        ParameterSpec(name="more", type="file", optional=True),
    ],
)


@pytest.fixture
def space(tmp_path):
    folder = tmp_path / "users" / "ann"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("1,2\n")
    return folder


@pytest.fixture
def inputs(tmp_path, space):
    return InputFiles(files=UserFiles(root=tmp_path))


def test_a_file_that_is_there_is_named_with_its_size(inputs):
    [named] = inputs.named("ann", PIPELINE, {"stars": "a.csv"})
    assert (named.parameter, named.path, named.size, named.product) == ("stars", "a.csv", 4, None)


@pytest.mark.parametrize(
    "path", ["b.csv", "../ann/a.csv", ".hidden", "folder", "link", "pipe", "shared/me/bob/a.csv"]
)
def test_what_is_no_file_of_theirs_is_refused_with_what_helps(inputs, space, path):
    (space / "folder").mkdir()
    (space / "link").symlink_to(space / "a.csv")
    os.mkfifo(space / "pipe")
    with pytest.raises(BadParameter, match="upload it, or pick one that is there") as refused:
        inputs.named("ann", PIPELINE, {"stars": path})
    assert refused.value.field == "stars"


def test_a_file_of_somebody_else_is_not_there(inputs):
    with pytest.raises(BadParameter):
        inputs.named("bob", PIPELINE, {"stars": "a.csv"})


def test_a_file_is_known_by_its_content(inputs):
    found = inputs.content("ann", "a.csv")
    assert (found.state, found.sha256) == (HASHED, hashlib.sha256(b"1,2\n").hexdigest())
    assert found.stamp == inputs.stamp("ann", "a.csv")


def test_a_file_that_was_written_after_a_job_began_counts_as_changed(inputs):
    began = datetime.now(UTC) - timedelta(seconds=10)
    assert inputs.content("ann", "a.csv", since=began).state == CHANGED
    assert inputs.content("ann", "a.csv", since=datetime.now(UTC) + timedelta(seconds=1)).state == HASHED


def test_a_file_that_is_written_and_set_back_in_time_has_another_stamp(inputs, space):
    before, status = inputs.stamp("ann", "a.csv"), (space / "a.csv").stat()
    with (space / "a.csv").open("r+") as file:
        file.write("3,4")
    os.utime(space / "a.csv", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert inputs.stamp("ann", "a.csv") != before


def test_a_file_that_is_gone_is_told(inputs, space):
    (space / "a.csv").unlink()
    assert inputs.content("ann", "a.csv").state == GONE
    assert inputs.stamp("ann", "a.csv") == ""


def test_a_file_of_holes_is_not_read(inputs, space):
    os.truncate(space / "a.csv", 2 * 1024**4)
    assert inputs.content("ann", "a.csv").state == HOLES


def test_what_is_shared_is_opened_by_who_knows_it(tmp_path, space):
    asked = []

    def shared(reader, parts):
        asked.append((reader, parts))
        return (space / "a.csv").open("rb"), "p-1"

    inputs = InputFiles(files=UserFiles(root=tmp_path), shared=shared)
    [named] = inputs.named("ann", PIPELINE, {"stars": "shared/me/bob/a.csv"})
    assert named.product == "p-1"
    assert asked == [("ann", ("shared", "me", "bob", "a.csv"))]


def test_a_products_file_is_not_changed_by_being_shown_to_one_more(tmp_path, space):
    began = datetime.now(UTC) - timedelta(seconds=10)
    inputs = InputFiles(
        files=UserFiles(root=tmp_path), shared=lambda *_: ((space / "a.csv").open("rb"), "p-1")
    )
    before = inputs.content("ann", "shared/a.csv", since=began)
    os.link(space / "a.csv", space / "b.csv")
    assert before.state == HASHED
    assert inputs.stamp("ann", "shared/a.csv") == before.stamp
