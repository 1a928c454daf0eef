"""Without a sandbox everything works and nobody is left unaware; with `--keep-boxes` users' servers outlive Ctrl-C."""

from pathlib import Path

import pytest

from tests.support.avis import notebook
from tests.support.platform import Platform, running_platform, start_platform

pytestmark = pytest.mark.hub


def page(platform: Platform) -> str:
    with platform.signed_in("scientist") as browser:
        return browser.get(platform.avi_url("hello", "scientist")).text


def test_unsandboxed_boxes_work_and_are_told_of_loudly_and_may_outlive_ctrl_c(tmp_path: Path) -> None:
    avi = tmp_path / "hello"
    avi.mkdir()
    (avi / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
    settings = 'c.Gavip.sandbox = "off"\nc.Gavip.bundled_avis = False'
    with running_platform(tmp_path / "root", settings=settings, options=("--keep-boxes",)) as platform:
        assert any("NOT ENFORCED" in line for line in platform.said)
        with platform.client("scientist") as scientist:
            health = scientist.get("/health").json()
        assert health["sandbox"] == "none"
        assert "NOT ENFORCED" in health["notices"][0]
        platform.publish(avi, "hello")
        platform.open_avi("hello", "scientist")
        assert "hello 42" in page(platform)
        platform.end()
        assert list((platform.root / "boxes").glob("gavip-server-*/shim.json"))
        assert not list((platform.root / "boxes").glob("gavip-server-*/exit.json"))
        platform.process = start_platform(platform.root, port=platform.port).process
        assert "hello 42" in page(platform)
