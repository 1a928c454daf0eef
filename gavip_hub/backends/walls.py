"""What keeps containers apart on this platform, whatever starts them."""

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
