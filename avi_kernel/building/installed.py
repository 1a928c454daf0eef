"""The packages that an image has: an environment adds to them, and changes none."""

from importlib.metadata import distributions

from packaging.utils import canonicalize_name

from avi_kernel.protocol.requirements import package_of


def installed() -> dict[str, str]:
    """Return name -> version of every package of this interpreter."""
    return {canonicalize_name(one.name): one.version for one in distributions() if one.name}


def clash(requirement: str, there: dict[str, str]) -> str:
    """Return in words why a requirement cannot be met beside what is there; nothing where it may be."""
    wanted = package_of(requirement)
    version = there.get(canonicalize_name(wanted.name))
    if version is None or wanted.specifier.contains(version, prereleases=True):
        return ""
    if wanted.marker and not wanted.marker.evaluate():
        return ""
    return f"{wanted.name} {version} is part of the image and stays, and {str(wanted)!r} asks for another"
