"""What an AVI may be called: its name becomes a part of a host's name."""

import re

NAME_LENGTH = range(2, 21)
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_RULE = "An AVI's name has 2 to 20 lower-case letters, digits and single hyphens, a letter first."


def is_avi_name(text: str) -> bool:
    """Tell whether an AVI may be called so."""
    return bool(_SLUG.fullmatch(text)) and len(text) in NAME_LENGTH
