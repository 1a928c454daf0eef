"""A check needs room for its largest run, and for looking for leaks."""

from avi_kernel.protocol.check_needs import OWN_MB, ROUNDS_MB, USUAL_MB, memory_for_check
from avi_kernel.protocol.folder import read_release
from tests.support.avis import notebook, write_avi


def needed(tmp_path, manifest, parameters=""):
    files = {"avi.toml": manifest, "pipelines/count.ipynb": notebook("1", parameters=parameters)}
    return memory_for_check(read_release(write_avi(tmp_path / "avi", {**files, "app.ipynb": notebook("1")})))


def test_the_largest_run_counts_with_the_values_of_its_tests(tmp_path):
    manifest = """
        [pipelines.count]
        memory = "100 * radius"
        [[pipelines.count.tests]]
        parameters = { radius = 8 }
        [[pipelines.count.tests]]
        parameters = { radius = 2 }
        """
    assert needed(tmp_path, manifest, "radius: float = 50.0") == OWN_MB + 800


def test_a_small_avi_needs_room_for_the_rounds(tmp_path):
    assert needed(tmp_path, "[interface]\nmemory = 64\n[pipelines.count]\nmemory = 64") == OWN_MB + ROUNDS_MB


def test_what_asks_for_nothing_gets_what_is_usual(tmp_path):
    assert needed(tmp_path, "") == OWN_MB + USUAL_MB
