"""`gavip part`: one part of the platform alone, kept running, as in each container of the compose file (docs/adr/0036)."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from gavip_hub.config import Gavip, load_config
from gavip_hub.supervise import proxy
from gavip_hub.supervise.commandline import ENDING, root_option, said_plainly, tell
from gavip_hub.supervise.installation import prepared
from gavip_hub.supervise.keeper import Keeper
from gavip_hub.supervise.locks import held
from gavip_hub.supervise.programs import PARTS, WEBDAV, program
from gavip_hub.supervise.routes import Routes
from gavip_hub.supervise.sibling import Sibling


@click.command()
@click.argument("name", type=click.Choice(PARTS))
@root_option
def part(name: str, root: Path) -> None:
    """Keep one part of a platform running, as each container of the compose file does."""
    with said_plainly():
        config = load_config(root)
        with held(config.root, name):
            asyncio.run(_until_told(name, config))


async def keep_part(name: str, config: Gavip, *, say: Callable[[str], None], ended: asyncio.Event) -> None:
    """Run a part until told to end; what runs for users goes on.

    Parameters
    ----------
    name
        One of `PARTS`.
    say
        Called with one line for a person when something happens to it.
    ended
        Set when it is to end.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The data root was not prepared; the message says what to do.
    """
    if name == WEBDAV and not config.webdav:
        say("WebDAV is off: `c.Gavip.webdav = True` switches it on")
        await ended.wait()
        return
    ports, secrets = prepared(config)
    what = program(name, config, ports=ports, secrets=secrets, proxy_script=proxy.installed(config.root))
    with tempfile.TemporaryDirectory(prefix="gavip-part-") as records:
        sibling = Sibling(program=what, root=config.root, records=Path(records))
        routes = Routes(config=config, secrets=secrets) if name == "proxy" else None
        keeper = Keeper(sibling=sibling, tell=say, once_back=routes.restore if routes else None)
        say(f"starting {what.title}")
        sibling.start()
        try:
            await _first_of(_settle_and_keep(keeper), ended.wait(), *([routes.keep()] if routes else []))
        finally:
            await sibling.stop()


async def _settle_and_keep(keeper: Keeper) -> None:
    await keeper.settle()
    await keeper.keep()


async def _first_of(*steps: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of several ends, end the others, and fail where it failed."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()


async def _until_told(name: str, config: Gavip) -> None:
    ended = asyncio.Event()
    for sign in ENDING:
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    await keep_part(name, config, say=tell, ended=ended)
