"""The API of `gavip dev`, served from a thread, for tests of what talks to it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avi_kernel.protocol.api import Profile
from avi_kernel.standalone.door import Door
from avi_kernel.standalone.local_jobs import LocalJobs
from avi_kernel.standalone.server import LocalApi

TOKEN = "token-of-the-developer"


@contextmanager
def local_api(folder: Path, avi: str, door: Door | None = None) -> Iterator[LocalApi]:
    """Serve the jobs of one AVI folder until the end of the block; with a door its developer's page too."""
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    made: list[LocalApi] = []

    async def serve() -> None:
        jobs = LocalJobs(folder=folder, avi=avi, owner="developer")
        profile = Profile(name="developer", roles=["developer"], avi=avi)
        api = LocalApi(jobs=jobs, token=TOKEN, profile=profile, door=door).listen()
        made.append(api)
        started.set()
        await ended.wait()
        await api.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(10)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()
        assert not thread.is_alive()
