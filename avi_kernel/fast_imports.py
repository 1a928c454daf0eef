"""Spare every Jupyter process the one import that costs it nearly a second.

Standard library only: call `apply` before anything of Jupyter's is imported.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

_HUBS_OWN: dict[str, dict[str, object]] = {
    "sqlalchemy": {},
    "sqlalchemy.exc": {"SQLAlchemyError": type("SQLAlchemyError", (Exception,), {})},
    "jupyterhub.orm": {},
    "jupyterhub.roles": {},
    "jupyterhub.log": {"log_request": None},
}
"""What the Hub's sign-in for servers imports, and a server never uses -> what is asked of it at import."""


def apply() -> None:
    """Make `rfc3987_syntax` look absent, so that jsonschema does without it.

    Importing that package builds a grammar: 0.9 s and 16 MB in each process that imports nbformat or
    jupyter_server, for a check of IRI formats that nothing here asks for
    (https://github.com/jupyter-server/jupyter_server/issues/1559, open).
    jsonschema imports it under `suppress(ImportError)`, which an entry None in `sys.modules` raises.
    Somebody who imported it before keeps it.
    """
    sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))


@contextmanager
def without_the_hubs_database() -> Iterator[None]:
    """Import JupyterHub's sign-in for servers without the Hub's own tables, migrations and pages.

    `jupyterhub.services.auth` asks `jupyterhub.scopes` to compare scopes, and that module imports the Hub's database for
    those who have one: SQLAlchemy and Alembic, 29 MB and a third of all the imports of a server. While the block lasts,
    they look imported and are empty; afterwards whoever wants them gets the real ones. For a process of the server's own.
    """
    missing = [name for name in _HUBS_OWN if name not in sys.modules]
    for name in missing:
        empty = sys.modules[name] = ModuleType(name)
        vars(empty).update(_HUBS_OWN[name])
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
