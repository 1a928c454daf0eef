"""First program of a sandboxed box: opens the two ways out, hands them to the shim, and becomes the box's own command.

Run by its path with `python -I -S`, so it imports nothing of `avi_kernel`; it is there for some 15 ms. The listening
sockets belong to the box's own network, where only loopback is; the shim outside answers on them.
"""

import json
import os
import resource
import socket
import sys

MADE = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")
"""Folders in the scratch: astropy warns in every log when the environment names one that is not there."""
WAYS_OUT = (("127.0.0.2", 8081), ("127.0.0.2", 8082))


def main(door_number: int) -> None:
    """Take the command from the shim, give it the sockets, and exec."""
    with socket.socket(fileno=door_number) as door:
        with door.makefile("rb") as file:
            order = json.load(file)
        listening = [socket.create_server(address, backlog=64) for address in WAYS_OUT]
        # The message also tells the shim this process's number outside.
        socket.send_fds(door, [b"ready"], [one.fileno() for one in listening])
    for one in listening:
        one.close()
    # Counted in this user namespace alone; where there are control groups they bind first.
    resource.setrlimit(resource.RLIMIT_NPROC, (order["pids"], order["pids"]))
    for name in MADE:
        if folder := order["env"].get(name):
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib alone would double the time spent here
    os.chdir(order["cwd"])
    os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606  # this is what a box is for


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except (OSError, ValueError) as error:
        sys.exit(f"the box's command cannot be started: {error}")
