"""One id leads from the click to the last line: through the service's log and the job's own."""

import pytest

from tests.support.platform import Platform
from tests.support.published import follow, publish

pytestmark = pytest.mark.hub
CLICK = "click-of-the-test-1"


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_the_id_of_a_click_is_in_every_log_on_its_jobs_way(platform: Platform) -> None:
    avi = publish(platform, "works")
    with platform.client("scientist") as scientist:
        request = {"avi": avi, "pipeline": "main"}
        answer = scientist.post("/jobs", json=request, headers={"X-Request-ID": CLICK})
        job = answer.json()["id"]
        assert follow(scientist, job)["phase"] == "COMPLETED"
        own = scientist.get(f"/jobs/{job}/log").json()["text"]
    served = lines_with(platform.log("service"), f"request={CLICK}")
    assert answer.headers["x-request-id"] == CLICK
    assert lines_with("\n".join(served), f"submitted {job}")
    assert lines_with("\n".join(served), "POST /services/gavip/api/attempts/self/outcome")
    assert lines_with(own, f"[request={CLICK} job={job}]")
