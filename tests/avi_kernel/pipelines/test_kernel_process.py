"""A job's kernel answers wherever its temporary files lie."""

import os
import tempfile

import pytest

from avi_kernel.pipelines.kernel_client import RunningKernel
from avi_kernel.pipelines.kernel_process import KernelProcess


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A folder for temporary files whose path is longer than a socket's may be."""
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def test_a_kernel_answers_however_deep_temporary_files_lie(deep):
    kernel = KernelProcess.start(cwd=deep, env={**os.environ, "GAVIP_CODE_DIR": str(deep)})
    client = RunningKernel(kernel).client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        assert kernel.process.poll() is None
    finally:
        client.stop_channels()
        kernel.close()
