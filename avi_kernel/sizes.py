"""Sizes of files, as people read them."""

_THOUSAND = 1000


def size(octets: float) -> str:
    """Return a size with its unit, by decimal prefixes."""
    for unit in ("B", "kB", "MB"):
        if octets < _THOUSAND:
            return f"{octets:.0f} {unit}"
        octets /= _THOUSAND
    return f"{octets:.1f} GB"
