"""Load PostgreSQL's sky extensions, pgSphere also where CREATE EXTENSION refuses it.

PostgreSQL 15.20 refuses two operators that name the same commutator, as pgSphere 1.2.0 of Debian 12 does.
Commutators and negators only help the planner with its own indexes: without them the same script loads.
"""

import re
from pathlib import Path

OPERATOR = re.compile(r"CREATE OPERATOR\s+(\S+)\s*\((.*?)\)\s*;", re.DOTALL)
# `dachs init` loads the extensions itself, and ends when one is refused: they are there already.
INIT_WITHOUT_EXTENSIONS = (
    "from gavo.user import initdachs; initdachs._readDBScripts = lambda dsn: None; initdachs.main()"
)


def sky_extensions(share: Path) -> str:
    """Return the SQL that loads q3c and pgSphere from PostgreSQL's share folder."""
    # Scripts of two versions, pg_sphere--A--B.sql, only upgrade.
    script = next(path for path in share.glob("extension/pg_sphere--*.sql") if path.name.count("--") == 1)
    body = "\n".join(line for line in script.read_text().splitlines() if not line.startswith("\\"))
    body = body.replace("MODULE_PATHNAME", "$libdir/pg_sphere").replace("@extschema@", "public")
    return "CREATE EXTENSION q3c;\n" + OPERATOR.sub(_without_hints, body)


def _without_hints(match: re.Match[str]) -> str:
    parts = [part.strip() for part in match[2].split(",")]
    kept = [part for part in parts if not re.match(r"(commutator|negator)\b", part, re.IGNORECASE)]
    return f"CREATE OPERATOR {match[1]} ({', '.join(kept)});"
