"""What waits says why on the command line too."""

import asyncio
import os
import sys
from pathlib import Path

from tests.support.service import running_service

COMMAND = str(Path(sys.executable).with_name("gavip"))


async def types(service, home, *arguments):
    """Run the command as ann; return what it prints."""
    environ = {
        **os.environ,
        "GAVIP_URL": service.url,
        "GAVIP_TOKEN": "ann-token",
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
    }
    ran = await asyncio.create_subprocess_exec(
        COMMAND, *arguments, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complaints = await ran.communicate()
    assert ran.returncode == 0, complaints.decode()
    return printed.decode()


async def test_an_interface_that_waits_says_why(tmp_path):
    async with running_service(tmp_path / "root") as service:
        service.service.core.config.platform_memory_mb = 600
        service.publish()
        for token in ("bob-token", "ann-token"):
            async with service.client(token) as person:
                await person.post("/servers", json={"avi": "stars"})
        told = await types(service, tmp_path, "server", "why", "stars")
    assert told.splitlines() == [
        "reason  waits for 512 MB of memory: 1 open server holds 512 of the platform's 600 MB of memory; next in the queue",
        "ahead   0",
        "limits  0.5 of the platform's 0.586 GB of memory are in use, and it asks for 0.5: 1 would let it start",
    ]
