"""What keeps containers apart on this platform, whatever starts them."""

from pathlib import Path

from gavip_hub.backends.sandbox import MEASURES, SandboxReport, detect
from gavip_hub.config import Gavip

ENGINE = SandboxReport(bwrap=None, enforced=frozenset(MEASURES))
"""An engine enforces every measure, or refuses to start a container."""


def walls_of(config: Gavip) -> SandboxReport:
    """Return what is enforced; for boxes of this machine by running one.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        The settings require what this machine cannot enforce.
    """
    return ENGINE if config.backend == "docker" else detect(config.sandbox, root=config.root)


def own_bwrap(config: Gavip, report: SandboxReport) -> Path | None:
    """Return the bubblewrap for programs of the platform's own, which run beside the service whatever starts boxes.

    None where there is none that works, as in most containers: then such a program has the limits that it puts on itself.
    """
    if config.backend != "docker":
        return report.bwrap
    return detect("off" if config.sandbox == "off" else "auto").bwrap
