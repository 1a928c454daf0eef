"""Readers of the portal: a program of its own, so that what they compute is not counted as the service's.

Reads from its input `{"url": ..., "visits": [[second, token, page, path, status], ...]}`; a second of null means after the one before.
Writes `{"seconds": ..., "computed": ..., "late": ..., "wrong": [...]}`.
"""

import asyncio
import json
import sys
import time
from typing import Any

import httpx


async def visited(url: str, visits: list[list[Any]]) -> dict[str, Any]:
    """Ask for all pages at their times."""
    wrong: list[str] = []
    late: list[float] = []
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=40)
    async with httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits) as client:
        begun = time.monotonic()

        async def ask(token: str, page: str, path: str, status: int) -> None:
            headers = {"Authorization": f"Bearer {token}", "X-Page": page}
            answer = await client.get(path, headers=headers)
            if answer.status_code != status:
                wrong.append(f"{page} {path}: {answer.status_code} {answer.text[:200]}")

        waiting = []
        for at, token, page, path, status in visits:
            if at is None:
                await ask(token, page, path, status)
                continue
            await asyncio.sleep(max(0.0, begun + at - time.monotonic()))
            late.append(time.monotonic() - begun - at)
            waiting.append(asyncio.create_task(ask(token, page, path, status)))
        await asyncio.gather(*waiting)
        seconds = time.monotonic() - begun
    computed = time.process_time()
    return {"seconds": seconds, "computed": computed, "late": max(late, default=0.0), "wrong": wrong}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump(asyncio.run(visited(given["url"], given["visits"])), sys.stdout)
