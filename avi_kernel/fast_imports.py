"""Spare every Jupyter process the one import that costs it nearly a second.

Standard library only: call `apply` before anything of Jupyter's is imported.
"""

import sys
from types import ModuleType
from typing import cast


def apply() -> None:
    """Make `rfc3987_syntax` look absent, so that jsonschema does without it.

    Importing that package builds a grammar: 0.9 s and 16 MB in each process that imports nbformat or
    jupyter_server, for a check of IRI formats that nothing here asks for
    (https://github.com/jupyter-server/jupyter_server/issues/1559, open).
    jsonschema imports it under `suppress(ImportError)`, which an entry None in `sys.modules` raises.
    Somebody who imported it before keeps it.
    """
    sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))
