"""What a check has seen, before it is judged."""

from dataclasses import dataclass, field

from avi_kernel.checking.trials import Trial
from avi_kernel.checking.unit_tests import Suite
from avi_kernel.protocol.scorecard import HostCall, Mark


@dataclass(kw_only=True)
class Findings:
    """Everything that was seen of one AVI."""

    installs: Mark
    parameters: Mark
    pages: list[Trial] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    """The first run of each test."""
    complaints: dict[str, list[str]] = field(default_factory=dict)
    """Title of a run -> what is not as its test expects."""
    untested: list[str] = field(default_factory=list)
    """Pipelines that declare no test."""
    not_run: dict[str, list[str]] = field(default_factory=dict)
    """Pipelines that cannot be run without a test -> their parameters without a default."""
    tested: Suite = field(default_factory=lambda: Suite(state="none"))
    repeated: list[Trial] = field(default_factory=list)
    """The second runs."""
    differences: dict[str, dict[str, str]] = field(default_factory=dict)
    """Title of a run -> file -> how its second contents differ."""
    held: dict[str, list[float]] = field(default_factory=dict)
    """Name -> the MB that one process held after each round."""
    calls: list[HostCall] = field(default_factory=list)
    out_of_time: bool = False
    """Whether the check itself ended before it had looked at everything."""
