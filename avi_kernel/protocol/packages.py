"""What the packages of releases take on a platform's disk, for its operators."""

from avi_kernel.protocol.base import Wire


class EnvironmentView(Wire):
    """Packages that releases bring beside those of their images; the same files are one environment."""

    id: str
    packages: list[str]
    """Name and version of each."""
    releases: list[str]
    """AVI and version of each that has it."""
    offered: bool
    """Whether people may open or run one of these; else all are withdrawn."""
    in_use: bool
    """Whether a job or an interface has it now."""
    folder_mb: float | None = None
    """What its folder takes; None where it was removed, and is made anew when somebody needs it."""
    files_mb: float
    """What the files take that it is made of; other environments may be made of some of them too."""


class PackagesView(Wire):
    """What the packages of all releases take."""

    folders_mb: float
    """All folders."""
    files_mb: float
    """All files that they are made of, each once."""
    environments: list[EnvironmentView]
    """Those first that take most."""
