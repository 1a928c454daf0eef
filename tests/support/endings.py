"""Ends what a page starts, as its reader would: `python endings.py "words" command…` waits for the words, then presses Ctrl-C.

With `--allow ROOT PORT USER` in front it goes to a browser meanwhile, types the code that the command shows, and says yes.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

LONGEST = 240
CODE = re.compile(r"\s*([A-Z]{4}-[A-Z]{4})\s*")


def started(command: list[str]) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, as a terminal does; it is ended if it says nothing for too long."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    # All of it: what a command started would hold the pipe open for ever.
    patience = threading.Timer(LONGEST, os.killpg, (process.pid, signal.SIGKILL))
    patience.daemon = True
    patience.start()
    return process


def until_ctrl_c(words: str, command: list[str]) -> int:
    """Run a command that serves, until it says these words; return 0 if it ends well after Ctrl-C."""
    with started(command) as process:
        assert process.stdout is not None
        seen = False
        for line in process.stdout:
            sys.stdout.write(line)
            if words in line and not seen:
                seen = True
                os.killpg(process.pid, signal.SIGINT)
        status = process.wait()
    return 0 if seen and status in (0, 130) else status or 1


def allowed(root: Path, port: int, user: str, command: list[str]) -> int:
    """Run a sign-in that shows a code, which its user types into the portal."""
    from tests.support.devices import say_yes
    from tests.support.platform import Platform

    with started(command) as process:
        assert process.stdout is not None
        there = Platform(root=root, port=port, users={}, process=process)
        for line in process.stdout:
            sys.stdout.write(line)
            if code := CODE.fullmatch(line):
                with there.signed_in(user) as browser:
                    say_yes(browser, code[1])
        return process.wait()


if __name__ == "__main__":
    # Who runs the tests in the background has Ctrl-C ignored, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1] == "--allow":
        root, port, user, *command = sys.argv[2:]
        sys.exit(allowed(Path(root), int(port), user, command))
    sys.exit(until_ctrl_c(sys.argv[1], sys.argv[2:]))
