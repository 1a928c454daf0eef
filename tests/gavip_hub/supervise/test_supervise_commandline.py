"""What the operator's commands say, also where nobody listens any more."""

import os
import subprocess
import sys


def test_what_nobody_reads_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    says = "from gavip_hub.supervise.commandline import tell, warn; tell('one'); warn('two'); tell('three')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"{says}; print('went on')"],
            stderr=writer,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stdout) == (0, "went on\n")
