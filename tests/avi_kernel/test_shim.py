"""The shim's own side: light, true to the wire models, and beside the box from start to end."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avi_kernel.box.spec import Bind, Spec, load
from avi_kernel.protocol import boxes
from tests.support.boxes import OPEN, box_world


def box(folder: Path, **changes) -> boxes.BoxSpec:
    run_dir = folder / "run"
    (folder / "sockets/box").mkdir(parents=True)
    run_dir.mkdir()
    plain = {
        "name": "gavip-jtest-1",
        "argv": [sys.executable, "-S", "-c", "print('hello')"],
        "env": {"PATH": os.defpath},
        "cwd": "/",
        "run_dir": str(run_dir),
        "socket_dir": str(folder / "sockets"),
        "log_file": str(run_dir / "log.txt"),
        "memory_mb": 100,
        "weight": 1.0,
        "cpu_limit": 1.0,
        "sandbox": "none",
    }
    spec = boxes.BoxSpec(**{**plain, **changes})
    (run_dir / boxes.SPEC_FILE).write_text(spec.model_dump_json())
    return spec


def run(spec: boxes.BoxSpec, *flags: str) -> tuple[boxes.ExitRecord | None, subprocess.CompletedProcess]:
    command = [sys.executable, "-I", "-m", "avi_kernel.shim", spec.run_dir, *flags]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )
    record = Path(spec.run_dir, boxes.EXIT_FILE)
    return boxes.ExitRecord.model_validate_json(record.read_bytes()) if record.exists() else None, ended


@pytest.mark.parametrize(("light", "wire"), [(Spec, boxes.BoxSpec), (Bind, boxes.Bind)])
def test_the_light_model_has_the_fields_of_the_wire_model(light, wire):
    assert [field.name for field in dataclasses.fields(light)] == list(wire.model_fields)


def test_a_spec_is_read_as_it_was_written(tmp_path):
    spec = box(
        tmp_path, binds=[boxes.Bind(source="/a", target="/b", writable=True)], allowed_hosts=["example.org"]
    )
    assert dataclasses.asdict(load(Path(spec.run_dir))) == spec.model_dump()


def test_a_box_leaves_state_log_and_record(tmp_path):
    spec = box(tmp_path)
    record, _ = run(spec, "--wait")
    assert (record.reason, record.exit_code) == ("exited", 0)
    assert record.started_at <= record.ended_at
    assert Path(spec.log_file).read_text() == "hello\n"
    state = boxes.ShimState.model_validate_json(Path(spec.run_dir, boxes.STATE_FILE).read_bytes())
    assert state.name == spec.name


def test_a_program_that_is_not_there_is_told_to_who_starts_it(tmp_path):
    record, ended = run(box(tmp_path, argv=["/no/such/program"]))
    assert ended.returncode == 1
    assert "No such file or directory: '/no/such/program'" in ended.stderr
    assert (record.reason, record.exit_code) == ("failed_to_start", 1)


def test_a_spec_that_cannot_be_read_is_told_to_who_starts_it(tmp_path):
    spec = box(tmp_path)
    Path(spec.run_dir, boxes.SPEC_FILE).write_text("{}")
    record, ended = run(spec)
    assert (record, ended.returncode) == (None, 1)
    assert "KeyError" in ended.stderr


def test_a_request_to_stop_that_came_before_the_start_is_heard(tmp_path):
    spec = box(tmp_path, argv=[sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    Path(spec.run_dir, "stop").touch()
    record, _ = run(spec, "--wait")
    assert record.reason == "stopped"


def test_signals_in_its_last_moments_are_no_complaint(tmp_path):
    spec = box(tmp_path)
    command = [sys.executable, "-I", "-m", "avi_kernel.shim", spec.run_dir, "--wait"]
    record = Path(spec.run_dir, boxes.EXIT_FILE)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as shim:
        while shim.poll() is None:
            if record.exists():
                shim.send_signal(signal.SIGTERM)
        assert shim.stderr.read() == ""


def test_the_shim_imports_nothing_heavy():
    code = "import sys, json; import avi_kernel.shim; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "httpx", "tornado", "click", "typing_extensions"}
    assert not heavy & set(json.loads(done.stdout))


async def test_a_shim_beside_a_box_stays_small():
    with box_world(OPEN) as world:
        wait = "print('up', flush=True); import time; time.sleep(60)"
        state = world.launcher.launch(world.spec("gavip-jsmall-1", "python", "-S", "-c", wait))
        await world.says("gavip-jsmall-1", "up")
        status = Path(f"/proc/{state['pid']}/status").read_text()
        resident_mb = int(status.partition("VmRSS:")[2].split()[0]) / 1024
        assert resident_mb < 25
