"""What is made before the parts of a platform start, each in a container of its own."""

import asyncio
from collections.abc import Callable

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from gavip_hub.config import Gavip
from gavip_hub.exceptions import Unavailable
from gavip_hub.storage import migrate
from gavip_hub.storage.userspace import UserSpaces
from gavip_hub.supervise import accounts
from gavip_hub.supervise.installation import prepare
from gavip_hub.supervise.locks import make_locks

DATABASE_SECONDS = 60.0
BETWEEN_TRIES = 1.0


async def prepare_parts(config: Gavip, tell: Callable[[str], None]) -> None:
    """Make all that the parts find: folders, ports, secrets, passwords, the database's tables; harmless to call again.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The database did not answer in time, or is of a newer GAVIP.
    """
    prepare(config)
    UserSpaces(root=config.root).prepare()
    make_locks(config.root)
    await _upgrade_patiently(config)
    for user in accounts.seed_passwords(config.root, list(config.users)):
        tell(f"made a password for {user}")
    tell(f"{config.root} is prepared; passwords: {config.root / accounts.LISTING}")


def upgrade_database(config: Gavip) -> None:
    """Create the service's tables, or bring them to this program's schema.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The database cannot be reached, or is of a newer GAVIP.
    """
    try:
        migrate.upgrade(config.database_url)
    except (CommandError, SQLAlchemyError) as error:
        raise Unavailable(
            f"The service's database cannot be brought to this version's schema: {error}\n"
            "Was it made by a newer GAVIP? Install that one, or start with another --root."
        ) from None


async def _upgrade_patiently(config: Gavip) -> None:
    """Bring the database to this program's schema; its server may be starting as well."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DATABASE_SECONDS
    while True:
        try:
            await asyncio.to_thread(upgrade_database, config)
        except Unavailable:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(BETWEEN_TRIES)
        else:
            return
