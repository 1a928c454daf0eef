"""Kernels of an interface: where they start, how, and what a browser may say to them."""

import asyncio
import os
import sys
from pathlib import Path
from queue import Empty
from typing import Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import ApiPath
from traitlets import Any as AnyTrait
from traitlets import Unicode, default
from typing_extensions import override

from avi_kernel.interface.forking import INLINE, Nursery, NurseryGone
from avi_kernel.packages import VARIABLE as OWN_PACKAGES

PROVISIONER = "gavip-fork"
LAUNCHER = "ipykernel_launcher"
ALLOWED_MESSAGES = [
    "comm_open",
    "comm_close",
    "comm_msg",
    "comm_info_request",
    "kernel_info_request",
    "shutdown_request",
]
"""What a page may send: widgets need these. `execute_request` is not among them."""


class ForkingProvisioner(LocalProvisioner):
    """Start a Python kernel from its manager's nursery, anything else as jupyter_client does."""

    @override
    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        nursery: Nursery | None = getattr(self.parent, "nursery", None)
        if nursery is None or LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        argv = cmd[cmd.index(LAUNCHER) + 1 :]
        cwd = str(kwargs.get("cwd") or Path.cwd())
        env = kwargs.get("env") or dict(os.environ)
        try:
            # In a thread: the first kernel may have to wait for the nursery's imports.
            process = await asyncio.to_thread(nursery.fork, argv=argv, env=env, cwd=cwd)
        except NurseryGone:
            self.log.warning("The kernels' nursery has ended; starting a kernel the slow way.")
            return await super().launch_kernel(cmd, **kwargs)
        self.process = cast("Any", process)  # what is used of Popen, it has
        self.pid = self.pgid = process.pid
        self.cwd = cwd
        await self._until_listening()
        return self.connection_info

    async def _until_listening(self) -> None:
        """Wait for the kernel's sockets: connecting too early makes zmq pause 0.1 s before each new attempt."""
        info = self.connection_info
        if info["transport"] != "ipc":
            return
        sockets = [
            Path(f"{info['ip']}-{info[name]}") for name in ("shell_port", "iopub_port", "control_port")
        ]
        while not all(path.exists() for path in sockets) and await self.poll() is None:  # noqa: ASYNC110 - files
            await asyncio.sleep(0.002)


class PromptClient(AsyncKernelClient):
    """Wait for a kernel no longer than it takes.

    jupyter_client's own way empties the IOPub channel until nothing came for 0.2 s. What it wants to know,
    whether IOPub is subscribed, is known when the status of our own request arrives on it.
    """

    @override
    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        async with asyncio.timeout(timeout):
            while not await self._answers(self.kernel_info()):
                if not await self.is_alive():
                    raise RuntimeError("The kernel ended before it answered.")

    async def _answers(self, request: str) -> bool:
        """Whether both channels brought what belongs to a request, within a second each."""
        try:
            reply = await self.get_shell_msg(timeout=1)
            while reply["parent_header"].get("msg_id") != request:
                reply = await self.get_shell_msg(timeout=1)
            self._handle_kernel_info_reply(reply)
            while True:
                told = await self.get_iopub_msg(timeout=0.2)
                idle = told["content"].get("execution_state") == "idle"
                if idle and told["parent_header"].get("msg_id") == request:
                    return True
        except Empty:
            return False

    wait_for_ready = _async_wait_for_ready


class InterfaceKernel(AsyncIOLoopKernelManager):
    """One kernel of an interface."""

    @default("client_factory")
    def _prompt(self) -> type[PromptClient]:
        return PromptClient

    nursery = AnyTrait(None, allow_none=True)

    @default("nursery")
    def _nursery_of_the_server(self) -> Nursery | None:
        return getattr(self.parent, "nursery", None)

    @default("transport")
    def _private_transport(self) -> str:
        # UNIX sockets in a folder of the server's own: no port to race for, nothing that a neighbour can reach.
        return "ipc" if sys.platform == "linux" else "tcp"


class InterfaceKernels(AsyncMappingKernelManager):
    """All kernels of an interface, one a page."""

    nursery = AnyTrait(None, allow_none=True)

    @default("nursery")
    def _nursery_of_the_server(self) -> Nursery | None:
        return getattr(self.parent, "nursery", None)

    work_dir = Unicode(config=True, help="Where kernels start.")
    code_dir = Unicode(config=True, help="The AVI's folder, importable in kernels.")

    @default("kernel_manager_class")
    def _own_kernels(self) -> str:
        return f"{InterfaceKernel.__module__}.{InterfaceKernel.__name__}"

    @override
    def cwd_for_path(self, path: str, **kwargs: Any) -> str:
        return self.work_dir

    async def start_for_page(self, *, kernel_id: str, kernel_name: str, env: dict[str, str]) -> None:
        """Start the kernel of one page."""
        await self.start_kernel(
            kernel_id=kernel_id,
            kernel_name=kernel_name,
            path=ApiPath(""),
            env={**os.environ, **self._own_environment(), **env},
            extra_arguments=["--HistoryManager.enabled=False"],
        )

    def _own_environment(self) -> dict[str, str]:
        """Return what a kernel of an AVI finds besides the server's own environment."""
        packages = (os.environ.get(name) for name in (OWN_PACKAGES, "PYTHONPATH"))
        python_path = [self.code_dir, *filter(None, packages)]
        return {
            "PYTHONPATH": os.pathsep.join(python_path),
            "MPLBACKEND": INLINE,
            # Not the user's profile: what they set up for themselves must not change an AVI.
            "IPYTHONDIR": str(Path(self.connection_dir) / "ipython"),
        }
