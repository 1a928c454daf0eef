"""Where results are from, sent in the words of others: of jobs and of products alike."""

from collections.abc import Mapping
from typing import Any

from avi_kernel.protocol.provenance import ProvenanceView
from gavip_hub.handlers.operations import ApiHandler
from gavip_hub.services import provenance_export as export
from gavip_hub.services.workflows import Workflow

PROV_JSON = "application/json"
CRATE = "application/ld+json"
ZIP = "application/zip"


class ChainApi(ApiHandler):
    """Whatever tells where something is from."""

    @property
    def base(self) -> str:
        """The platform's public address."""
        return str(self.context.config.public_url)

    async def workflow(
        self, *, avi: str, version: str, pipeline: str, parameters: Mapping[str, Any]
    ) -> Workflow | None:
        """Return the program that made it, where that is open to who asks."""
        return await self.in_thread(
            self.services.workflows.of,
            viewer=self.require().name,
            avi=avi,
            version=version,
            pipeline=pipeline,
            parameters=parameters,
        )

    async def send_prov(self, chain: ProvenanceView, name: str) -> None:
        """Finish with the chain in W3C PROV."""
        text = await self.context.file_threads(export.prov_json, chain, base=self.base)
        self._send(text, f"{name}.prov.json", PROV_JSON)

    async def send_crate(self, of: export.CrateOf) -> None:
        """Finish with the chain as a research object, without its files."""
        text = await self.context.file_threads(export.crate_json, of)
        self._send(text, "ro-crate-metadata.json", CRATE)

    def _send(self, text: str, name: str, media_type: str) -> None:
        self.set_header("Content-Type", media_type)
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(text)
