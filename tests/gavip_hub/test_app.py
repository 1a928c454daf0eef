"""The service as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gavip_hub.backends.choice import make_backend, make_launcher
from gavip_hub.config import load_config
from gavip_hub.exceptions import BadRequest
from gavip_hub.storage import migrate
from gavip_hub.supervise.installation import prepare
from tests.support.avis import star_counter


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    prepare(load_config(root))
    (root / "config.py").write_text('c.Gavip.sandbox = "off"\n')
    return root


def start(root):
    command = [sys.executable, "-m", "gavip_hub.app", "--root", str(root)]
    environment = {**os.environ, "JUPYTERHUB_API_TOKEN": "token"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def until_serving(process):
    """Read its log until it serves; return what was read."""
    said = []
    for line in process.stderr:
        said.append(line)
        if "Serving on" in line:
            return said
    pytest.fail("the service ended:\n" + "".join(said))


def get(root, path):
    return httpx.get(f"{load_config(root).service_url}/services/gavip/api{path}", timeout=10)


def test_a_database_with_another_schema_is_refused_with_the_next_step(root):
    process = start(root)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "gavip up" in said
    assert "Traceback" not in said


def test_a_database_that_is_away_at_the_start_is_told_in_a_sentence(root, tmp_path):
    (root / "config.py").write_text(f"c.Gavip.database_url = 'sqlite:///{tmp_path}/away/gavip.sqlite'\n")
    process = start(root)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "database does not answer" in said
    assert "Traceback" not in said


def test_it_serves_and_ends_when_told(root):
    migrate.upgrade(load_config(root).database_url)
    process = start(root)
    said = until_serving(process)
    alive, health = get(root, "/health/live"), get(root, "/health")
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 0, rest
    assert (alive.status_code, health.status_code) == (200, 503)
    health = health.json()
    assert health["problems"] == ["The Hub does not answer.", "WebDAV does not answer."]
    assert (health["database"], health["scheduler"], health["hub"]) == (True, True, False)
    assert health["sandbox"] == "none"
    assert "sandbox" in health["notices"][0]
    assert any("Published hr-diagram" in line for line in said)


def test_a_second_start_publishes_nothing_again(root):
    migrate.upgrade(load_config(root).database_url)
    for wanted in (True, False):
        process = start(root)
        said = until_serving(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert any("Published hr-diagram" in line for line in said) is wanted


def test_an_unknown_backend_is_told_with_those_there_are(root):
    from gavip_hub.backends.sandbox import SandboxReport

    config = load_config(root, backend="slurm")
    launcher = make_launcher(config, SandboxReport(bwrap=None, enforced=frozenset()))
    with pytest.raises(BadRequest, match="installed: docker, process"):
        make_backend(config, launcher)


def test_one_broken_bundled_avi_keeps_nobody_from_the_others(tmp_path, caplog):
    from types import SimpleNamespace

    from gavip_hub.app import _publish_one
    from gavip_hub.core import make_core

    config = load_config(tmp_path / "root")
    Path(config.root).mkdir()
    migrate.upgrade(config.database_url)
    core = make_core(config, connections=1)
    broken, good = star_counter(tmp_path / "broken"), star_counter(tmp_path / "good_one")
    (broken / "avi.toml").write_text("titel = 1")
    for folder in (broken, good):
        _publish_one(SimpleNamespace(core=core), folder)
    assert "broken is not published: avi.toml, line 1: titel" in caplog.text
    assert [avi.name for avi in core.avi_pages.every(viewer="ann")] == ["good-one"]
    core.database.close()
