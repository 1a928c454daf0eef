"""Who answers at the two ways out of a box, as its description says."""

from avi_kernel.box.egress import EgressLog, EgressProxy
from avi_kernel.box.gate import ApiGate
from avi_kernel.box.serving import Handler
from avi_kernel.box.spec import Spec
from avi_kernel.protocol.hosts import EGRESS_FILE, AllowedHosts


def ways_out(spec: Spec) -> dict[str, Handler]:
    """Return what answers: the way to the platform's API, and that to the hosts which the box may reach."""
    log = EgressLog(path=f"{spec.run_dir}/{EGRESS_FILE}")
    return {
        "api": ApiGate(upstreams=spec.api_upstreams, pages=spec.api_pages).handle,
        "egress": EgressProxy(allowed=AllowedHosts(spec.allowed_hosts), log=log).handle,
    }
