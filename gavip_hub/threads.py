"""A bounded number of threads for what blocks: the database and files."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs functions that block, so that the event loop never does.

    Parameters
    ----------
    size
        Threads at most; further calls wait for one.
    """

    def __init__(self, *, size: int, name: str = "gavip") -> None:
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)

    async def __call__(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns; a cancelled caller does not stop a transaction half-way.

        What the log says of it names the same request and job.
        """
        called = partial(copy_context().run, partial(act, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, called)

    def close(self) -> None:
        """Wait for what runs, and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
