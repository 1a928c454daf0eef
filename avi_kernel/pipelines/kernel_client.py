"""Join papermill to a kernel that runs already, without the waits of the stock client."""

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import run_sync
from typing_extensions import override

from avi_kernel.pipelines.kernel_process import KernelProcess

KERNEL = "python3"
_PATIENCE = 5.0


class KernelSilent(RuntimeError):
    """A kernel was started and never became ready."""


class QuickClient(AsyncKernelClient):
    """A client that is ready when kernel and output channel are, with no further 0.2 s of listening."""

    @override
    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its output arrives here.

        The stock method then listens until the channel was silent for 0.2 s, to drop old messages; papermill
        drops the replies to what it did not ask anyway.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < deadline:
            self.kernel_info()
            if await self._heard():
                return
            if not await self.is_alive():
                raise KernelSilent("the notebook's kernel ended before it was ready")
        raise KernelSilent(f"the notebook's kernel did not answer within {timeout:g} s")

    async def _heard(self) -> bool:
        """Tell whether an answer came; on a slow machine it may be the one to an earlier question."""
        try:
            reply = await self.get_shell_msg(timeout=1)
            await self.get_iopub_msg(timeout=0.2)
        except Empty:
            return False
        return bool(reply["msg_type"] == "kernel_info_reply")


class RunningKernel(AsyncKernelManager):
    """A kernel manager around a process that was started before."""

    def __init__(self, kernel: KernelProcess) -> None:
        super().__init__(kernel_name=KERNEL, client_factory=QuickClient)
        self.load_connection_file(kernel.connection_file)
        self._kernel = kernel
        self._clients: list[AsyncKernelClient] = []
        self.provisioner = LocalProvisioner(kernel_spec=self.kernel_spec, parent=self)
        self.provisioner.process = kernel.process

    @property
    @override
    def kernel_spec(self) -> KernelSpec:
        """Our own interpreter's, whatever kernels are installed here or named in the notebook."""
        return KernelSpec(language="python", interrupt_mode="signal")

    @property
    def exit_code(self) -> int | None:
        """Exit status of the kernel, negative for a signal; None while it runs."""
        return self._kernel.process.poll()

    @override
    def client(self, **kwargs: Any) -> AsyncKernelClient:  # type: ignore[override] # so does the library
        """Return a client, to be closed with the kernel."""
        self._clients.append(super().client(**kwargs))
        return self._clients[-1]

    def close(self) -> None:
        """Let the kernel end by itself, so that what the author left open is flushed; then forget it."""
        self._kernel.end(patience=_PATIENCE)
        for client in self._clients:
            client.stop_channels()
        self._kernel.close()
        self.provisioner = None
        run_sync(self.cleanup_resources)()
