"""`python -m gavip_hub.supervise.proxy install [DATA_ROOT]`: what the first `gavip up` would do otherwise."""

import sys
from pathlib import Path

from gavip_hub.exceptions import Unavailable
from gavip_hub.supervise import proxy


def main(arguments: list[str]) -> int:
    """Install the proxy where it is not there yet; return the exit status."""
    if not arguments or arguments[0] != "install":
        sys.stderr.write("usage: python -m gavip_hub.supervise.proxy install [DATA_ROOT]\n")
        return 2
    root = Path(arguments[1] if len(arguments) > 1 else "gavip-data").resolve()
    try:
        script = proxy.installed(root) or proxy.install(root)
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return 6
    sys.stdout.write(f"{script}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
