"""Values as the services give them to the portal's pages: one AVI, jobs in every phase, servers, pools."""

from datetime import UTC, datetime, timedelta
from typing import Any

from avi_kernel.protocol.api import (
    AttemptView,
    Estimate,
    JobView,
    LimitView,
    Phase,
    PoolView,
    ServerView,
    Suggestion,
    UsagePoint,
    UsageView,
    WaitView,
)
from avi_kernel.protocol.manifest import Author, Manifest, PipelineSpec, ReleaseSpec, Resources
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.releases import AviView, ReleaseView
from avi_kernel.protocol.runs import JobError, ResultEntry

NOW = datetime(2026, 11, 22, 11, 40, tzinfo=UTC)
README = """
Stars of one field, placed by colour and absolute magnitude. The density in each bin shows the main
sequence, the giant branch and, where the field is near enough, the white dwarfs.

## Method

1. A cone search of the archive, by `ADQL`.
2. Cuts on parallax over error.

| result | format |
|---|---|
| sample | VOTable |

<script>alert("never")</script> [a link](javascript:alert(1)) [archive](https://example.org/)
"""
DIAGRAM = PipelineSpec(
    name="diagram",
    kind="notebook",
    path="pipelines/diagram.ipynb",
    title="Diagram of a field",
    summary="Selects stars around a position, cuts by parallax quality, and draws the Hertzsprung-Russell diagram.",
    parameters=[
        ParameterSpec(
            name="target",
            default="Hyades",
            title="Target",
            help="Name of a cluster, or “position”.",
            choices=["Hyades", "Pleiades", "Praesepe", "position"],
        ),
        ParameterSpec(
            name="ra",
            type="number",
            default=66.75,
            title="Right ascension",
            unit="deg",
            minimum=0,
            maximum=360,
        ),
        ParameterSpec(
            name="dec", type="number", default=15.87, title="Declination", unit="deg", minimum=-90, maximum=90
        ),
        ParameterSpec(
            name="radius",
            type="number",
            default=5.0,
            title="Radius",
            unit="deg",
            minimum=0.1,
            maximum=20,
            help="Of the cone.",
        ),
        ParameterSpec(
            name="bins",
            type="integer",
            default=120,
            title="Bins",
            minimum=10,
            maximum=1000,
            help="On each axis.",
        ),
        ParameterSpec(name="label", title="Label", help="Written on the plot."),
        ParameterSpec(name="densities", type="boolean", default=True, title="Show densities"),
    ],
    resources=Resources(memory="200 + 40 * radius", cpu=1.0, time_limit=900),
)
RELEASE = ReleaseView(
    avi="hr-diagram",
    version="1.0.0",
    commit="3f9c2d1e7ab04c55d2e8f9",
    state="READY",
    visibility="public",
    created_at=NOW - timedelta(days=3),
    spec=ReleaseSpec(
        manifest=Manifest(
            title="Hertzsprung-Russell diagram",
            summary="Colour and absolute magnitude of the stars in a field or a named cluster.",
            authors=[Author(name="E. Hertzsprung", affiliation="Potsdam"), Author(name="H. N. Russell")],
            licence="BSD-3-Clause",
            keywords=["stars", "clusters", "photometry"],
            cite="Hertzsprung, E. 1911, Publ. Astrophys. Obs. Potsdam 63",
            hosts=["simbad.cds.unistra.fr"],
        ),
        pipelines=[DIAGRAM],
        interface="app.ipynb",
        readme=README,
    ),
)
AVI = AviView(
    name="hr-diagram",
    title="Hertzsprung-Russell diagram",
    summary="Colour and absolute magnitude of the stars in a field or a named cluster, from Gaia photometry and Hipparcos parallaxes.",
    owner="developer",
    authors=["E. Hertzsprung", "H. N. Russell"],
    keywords=["stars", "clusters", "photometry"],
    licence="BSD-3-Clause",
    latest="1.0.0",
    has_interface=True,
    pipelines=["diagram"],
)
ERROR = JobError(
    code="raised",
    message="The notebook stopped at cell 5: no star within 0.1 deg has a parallax over error above 10.",
    hint="Take a larger radius, or a lower limit of parallax over error.",
    step="diagram.ipynb",
    cell=4,
    source='selected = stars[stars["plx_over_error"] > limit]\nif not len(selected):\n    raise ValueError(f"no star within {radius} deg")',
    ename="ValueError",
    evalue="no star within 0.1 deg",
    traceback='\x1b[31mTraceback\x1b[0m (most recent call last):\n  File "cell 5", line 3\nValueError: no star within 0.1 deg',
)


def result(name: str, media_type: str, title: str = "", size: int = 48_213) -> ResultEntry:
    return ResultEntry(name=name, title=title, media_type=media_type, size=size, sha256="ab" * 32)


RESULTS = [
    result("sample.vot", "application/x-votable+xml", "Stars of the sample", 1_284_000),
    result("hr.png", "image/png", "Hertzsprung-Russell diagram"),
    result("diagram.ipynb", "application/x-ipynb+json", "Executed notebook", 91_300),
]


def job(phase: Phase = Phase.EXECUTING, **changes: Any) -> JobView:
    """Return a job in some phase, with what goes with it."""
    started = None if phase in {Phase.QUEUED, Phase.PENDING} else NOW - timedelta(seconds=72)
    ended = NOW if phase in {Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED} else None
    values: dict[str, Any] = {
        "id": "j-7k2m9q",
        "owner": "scientist",
        "avi": "hr-diagram",
        "version": "1.0.0",
        "pipeline": "diagram",
        "title": "Diagram of a field",
        "parameters": {
            "target": "Hyades",
            "ra": 66.75,
            "dec": 15.87,
            "radius": 5.0,
            "bins": 120,
            "label": "",
            "densities": True,
        },
        "phase": phase,
        "state": {Phase.EXECUTING: "RUNNING"}.get(phase, phase.value),
        "reason": "waits for 400 MB of memory: your 2 running jobs hold 3.8 of your 4 GB of memory; 1 job ahead of it"
        if phase is Phase.QUEUED
        else "",
        "fraction": {Phase.EXECUTING: 0.42, Phase.COMPLETED: 1.0}.get(phase, 0.0),
        "message": "Density estimate" if phase is Phase.EXECUTING else "",
        "step": "diagram.ipynb" if phase is Phase.EXECUTING else "",
        "memory_mb": 400,
        "memory_source": "expression",
        "cpu": 1.0,
        "time_limit": 900,
        "created_at": NOW - timedelta(minutes=2),
        "queued_at": NOW - timedelta(minutes=2),
        "started_at": started,
        "ended_at": ended,
        "error": ERROR if phase is Phase.ERROR else None,
        "results": RESULTS if phase is Phase.COMPLETED else [],
        "result_count": len(RESULTS) if phase is Phase.COMPLETED else 0,
        "attempts": [
            AttemptView(
                number=1,
                state=phase.value,
                started_at=started,
                ended_at=ended,
                memory_peak_mb=231.0,
                cpu_seconds=61.0,
            )
        ]
        if started
        else [],
    }
    return JobView(**(values | changes))


WAIT = WaitView(
    reason="waits for 400 MB of memory: your 2 running jobs hold 3.8 of your 4 GB of memory; 1 job ahead of it",
    ahead=1,
    limits=[LimitView(pool="yours", limit="memory_mb", wanted=400, used=3900, allowed=4096, needed=4300)],
    starts_by=NOW + timedelta(minutes=12),
    estimate=Estimate(
        soonest=NOW + timedelta(minutes=2),
        middle=NOW + timedelta(minutes=5),
        latest=NOW + timedelta(minutes=9),
        runs=23,
        unknown=2,
    ),
    sooner=[
        Suggestion(
            words="Ask for 196 MB of memory: that fits beside what runs; past runs needed at most 150 MB of memory.",
            memory_mb=196,
        ),
        Suggestion(words="Close hr-diagram, which holds 512 MB of memory.", server="hr-diagram"),
    ],
)
USAGE = UsageView(
    attempt=1,
    memory_mb=400,
    memory_peak_mb=231.0,
    cpu=1.0,
    points=[UsagePoint(seconds=at, memory_mb=100 + at, cores=1.0) for at in (1.0, 2.0, 60.0)],
)
SERVERS = [
    ServerView(
        name="hr-diagram",
        kind="interface",
        avi="hr-diagram",
        version="1.0.0",
        state="ready",
        url="http://hr-diagram--scientist.gavip.localhost:8000/user/scientist/hr-diagram/",
        memory_mb=512,
        cpu=1.0,
        started_at=NOW,
    ),
    ServerView(
        name="light-curves",
        kind="interface",
        avi="light-curves",
        version="0.2.0",
        state="waiting",
        url="",
        memory_mb=1024,
        cpu=1.0,
        reason="Waits for 1 024 MB: your pool has 584 MB free.",
    ),
]
POOLS = [
    PoolView(
        owner="scientist",
        memory_mb=4096,
        memory_used_mb=3512,
        cpu=4.0,
        cpu_used=2.5,
        jobs=20,
        jobs_used=3,
        servers=5,
        servers_used=2,
    ),
    PoolView(owner="platform", memory_mb=14_336, memory_used_mb=6100, cpu=4.0, cpu_used=3.0),
]
