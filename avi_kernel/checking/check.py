"""Check one AVI from its folder to its scorecard."""

import asyncio
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from avi_kernel.checking import leaks
from avi_kernel.checking.calls import Calls
from avi_kernel.checking.expected import complaints
from avi_kernel.checking.explained import explained
from avi_kernel.checking.findings import Findings
from avi_kernel.checking.installs import installs
from avi_kernel.checking.marks import judged
from avi_kernel.checking.sameness import differences
from avi_kernel.checking.surroundings import Surroundings, upstream_of
from avi_kernel.checking.trials import DEFAULTS, Trial, Trials
from avi_kernel.checking.unit_tests import run_tests
from avi_kernel.connectors.archives import ESA_GAIA_URL
from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.manifest import PipelineDetails, PipelineSpec, ReleaseSpec
from avi_kernel.protocol.pipeline_tests import PipelineTest
from avi_kernel.protocol.problems import FolderProblem
from avi_kernel.protocol.scorecard import CheckedRun, Scorecard, not_installed, unjudged

PAGE_SECONDS = 120.0
RUN_SECONDS = 300.0
ROUNDS_SECONDS = 60.0
TOTAL_SECONDS = 1800.0
LEAST_SECONDS = 5.0
"""With less left of the whole, nothing more is begun."""
LONGEST_ROUND = 15.0
"""Seconds of a run that is repeated for the sake of leaks."""
Say = Callable[[str], None]


def check(
    folder: Path,
    *,
    scratch: Path,
    say: Say = lambda _: None,
    seconds: float = TOTAL_SECONDS,
    environ: Mapping[str, str] = os.environ,
) -> Scorecard:
    """Check an AVI.

    Parameters
    ----------
    folder
        The AVI's; it is only read.
    scratch
        An empty folder for everything that the check writes.
    say
        Takes a line on what is being done.
    seconds
        For everything together.
    """
    begun = datetime.now(UTC)
    folder, scratch = folder.resolve(), scratch.resolve()
    say("reading the folder")
    try:
        release = read_release(folder)
    except FolderProblem as problem:
        change = "Mend what is named; docs/reference/manifest.md has every key of avi.toml."
        return not_installed(str(problem), change, checked_at=begun)
    ground = installs(release.requirements, environ)
    if ground.state == "failed":
        return not_installed(ground.sentence, ground.change, checked_at=begun)
    seen = Findings(installs=ground, parameters=explained(release))
    looking = _Check(folder, release, scratch=scratch, say=say, seconds=seconds, environ=environ, seen=seen)
    started = monotonic()
    asyncio.run(looking.run())
    return Scorecard(
        marks=unjudged(judged(seen), reason=""),
        runs=[_as_run(trial) for trial in [*seen.pages, *seen.trials]],
        hosts=seen.calls,
        checked_at=begun,
        seconds=round(monotonic() - started, 1),
        python=platform.python_version(),
        kernel=version("avi-kernel"),
    )


def _as_run(trial: Trial) -> CheckedRun:
    return CheckedRun(
        name=trial.name,
        test=trial.test,
        seconds=round(trial.seconds, 2),
        memory_mb=trial.memory_mb,
        asked_mb=trial.asked_mb,
    )


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A pipeline and the values that it is run with."""

    spec: PipelineSpec
    test: PipelineTest


class _Check:
    """Makes the runs, in an order that tells the most important first."""

    def __init__(
        self,
        folder: Path,
        release: ReleaseSpec,
        *,
        scratch: Path,
        say: Say,
        seconds: float,
        environ: Mapping[str, str],
        seen: Findings,
    ) -> None:
        self._folder = folder
        self._release = release
        self._scratch = scratch
        self._say = say
        self._until = monotonic() + seconds
        self._environ = environ
        self._seen = seen

    async def run(self) -> None:
        """Fill in what is seen."""
        declared = [*self._release.manifest.hosts, archive_host(self._environ)]
        calls = Calls(folder=self._scratch / "calls", declared=declared, upstream=upstream_of(self._environ))
        async with calls:
            around = Surroundings(
                folder=self._folder,
                scratch=self._scratch,
                proxy=calls.address,
                notes=calls.notes,
                outer=self._environ,
            )
            trials = Trials(avi=self._folder.name, surroundings=around, calls=calls)
            await self._pages(trials)
            await self._pipelines(trials)
            if self._goes_on("running tests/"):
                self._seen.tested = await run_tests(around, calls, seconds=self._at_most(RUN_SECONDS))
            await self._rounds(trials)
            self._seen.calls = calls.so_far()

    def _goes_on(self, what: str) -> bool:
        """Say what comes next; tell whether there is time for it."""
        if self._until - monotonic() < LEAST_SECONDS:
            self._seen.out_of_time = True
            return False
        self._say(what)
        return True

    def _at_most(self, seconds: float) -> float:
        return min(seconds, self._until - monotonic())

    def _notebooks(self) -> Iterator[tuple[str, str]]:
        """Yield each interface notebook and the role of who gets to see it."""
        release = self._release
        yield from ((name, "scientist") for name in filter(None, [release.interface]))
        yield from ((name, "outreach") for name in filter(None, [release.outreach_interface]))
        yield from ((name, "scientist") for name in release.dashboards)

    async def _pages(self, trials: Trials) -> None:
        for name, role in self._notebooks():
            if self._goes_on(f"rendering {name}"):
                asked = self._release.manifest.interface.memory
                seconds = self._at_most(PAGE_SECONDS)
                self._seen.pages.append(await trials.page(name, role=role, asked_mb=asked, seconds=seconds))

    async def _pipelines(self, trials: Trials) -> None:
        repeated: set[str] = set()
        for case in list(self._cases()):
            title = f"{case.spec.name}, {case.test.title}" if case.test.title else case.spec.name
            if not self._goes_on(f"running {title}"):
                return
            trial = await self._one(trials, case)
            self._seen.trials.append(trial)
            if trial.error is None and trial.view and trial.results:
                found = list(complaints(self._folder, case.test, trial.view.results, trial.results))
                self._seen.complaints |= {trial.title: found} if found else {}
                if case.spec.name not in repeated and self._goes_on(f"running {title} again"):
                    repeated.add(case.spec.name)
                    self._compare(trial, await self._one(trials, case))

    async def _one(self, trials: Trials, case: _Case) -> Trial:
        limit = min(RUN_SECONDS, case.spec.resources.time_limit)
        return await trials.pipeline(case.spec, case.test, seconds=self._at_most(limit))

    def _compare(self, first: Trial, second: Trial) -> None:
        self._seen.repeated.append(second)
        if second.error is None and first.view and first.results and second.view and second.results:
            found = differences(first.results, first.view.results, second.results, second.view.results)
            self._seen.differences |= {first.title: found} if found else {}

    def _cases(self) -> Iterator[_Case]:
        """Yield what is run of the pipelines: each test, or once with the defaults."""
        for spec in self._release.pipelines:
            tests = self._release.manifest.pipelines.get(spec.name, PipelineDetails()).tests
            if tests:
                yield from (_Case(spec=spec, test=test) for test in tests)
            elif spec.hidden:
                continue  # those that need it run it
            elif required := [parameter.name for parameter in spec.parameters if parameter.required]:
                self._seen.not_run[spec.name] = required
            else:
                self._seen.untested.append(spec.name)
                yield _Case(spec=spec, test=PipelineTest(title=DEFAULTS))

    async def _rounds(self, trials: Trials) -> None:
        """Run again and again what ran without an error and quickly."""
        for page in self._seen.pages:
            if (
                page.error is None
                and page.seconds < LONGEST_ROUND
                and self._goes_on(f"looking for leaks in {page.name}")
            ):
                role = dict(self._notebooks())[page.name]
                await self._round(trials, page.name, [page.name], {}, role)
        specs = {spec.name: spec for spec in self._release.pipelines}
        for trial in self._seen.repeated:
            spec = specs[trial.name]
            quick = trial.error is None and trial.seconds < LONGEST_ROUND and spec.kind == "notebook"
            if quick and trial.view and self._goes_on(f"looking for leaks in {trial.name}"):
                paths = [*spec.steps, spec.path]
                await self._round(trials, trial.name, paths, dict(trial.view.parameters), "scientist")

    async def _round(
        self, trials: Trials, name: str, paths: list[str], parameters: dict[str, object], role: str
    ) -> None:
        seconds = self._at_most(ROUNDS_SECONDS)
        held = await trials.rounds(paths, parameters=parameters, role=role, seconds=seconds)
        if len(leaks.growth(held)) >= leaks.FLAT:
            self._seen.held[name] = held


def archive_host(environ: Mapping[str, str]) -> str:
    """Return host and port of the archive, which every AVI may ask."""
    place = urlsplit(environ.get("GAVIP_ARCHIVE_URL") or ESA_GAIA_URL)
    return place.netloc.rpartition("@")[2]
