"""Where the scratch of jobs can be on disk: where the engine sees what is mounted in the data root."""

from pathlib import Path

import pytest

from gavip_hub.backends.docker.scratch import is_shared

PRIVATE = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw"
SHARED = "31 27 254:0 /srv /srv rw,relatime shared:7 master:1 - ext4 /dev/vda rw"
FOLLOWER = "32 31 254:0 /x /srv/gavip/root rw,relatime master:7 - ext4 /dev/vda rw"


@pytest.mark.parametrize(
    ("mounts", "wanted"),
    [([PRIVATE], False), ([PRIVATE, SHARED], True), ([PRIVATE, SHARED, FOLLOWER], False)],
)
def test_the_nearest_mount_counts(mounts: list[str], wanted: bool) -> None:
    assert is_shared(Path("/srv/gavip/root"), "\n".join(mounts)) is wanted
