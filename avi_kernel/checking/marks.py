"""From what was seen to marks. One cause gets one mark: what is seen of it elsewhere is not judged there."""

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from avi_kernel.checking.findings import Findings
from avi_kernel.checking.leaks import leak_of
from avi_kernel.checking.trials import Trial
from avi_kernel.protocol.runs import JobError
from avi_kernel.protocol.scorecard import Mark, hosts_mark

SLOW_PAGE = 15.0
SLOW_TEST = 60.0
"""Seconds after which somebody should be told."""
NEARLY = 0.9
"""Part of the memory that was asked for, from which on it is close."""
USUAL_MB = 512
"""What a run may need where nothing is asked for."""
OTHER_CAUSE = "Not judged: see “{where}”, and mend that first."


def judged(seen: Findings) -> list[Mark]:
    """Return all marks."""
    return [
        seen.installs,
        _interface(seen),
        _tests(seen),
        _repeatable(seen),
        seen.parameters,
        hosts_mark(seen.calls),
        _time(seen),
        _memory(seen),
    ]


def blamed_on(trial: Trial) -> str:
    """Return the title of the mark that a failed run belongs to, where that is not its own; else nothing."""
    if trial.error is None:
        return ""
    if trial.error.code == "time_limit":
        return "Time"
    if trial.undeclared:
        return "Declared hosts only"
    return "Memory" if _wanted_memory(trial.error) else ""


def _wanted_memory(error: JobError) -> bool:
    killed = error.code == "killed" and "signal 9" in error.message
    return error.code == "out_of_memory" or killed or error.ename.endswith("MemoryError")


def _interface(seen: Findings) -> Mark:
    own = [page for page in seen.pages if page.error and not blamed_on(page)]
    other = [page for page in seen.pages if blamed_on(page)]
    if own:
        return Mark(
            key="interface",
            state="failed",
            sentence=_message(own[0]),
            change=_change_of(
                own[0].error, "gavip dev . shows the page as it is; mend the cell and look again."
            ),
            details=_shown(own),
        )
    if other:
        return Mark(key="interface", state="skipped", sentence=OTHER_CAUSE.format(where=blamed_on(other[0])))
    if not seen.pages:
        return Mark(key="interface", state="skipped", sentence="There is no interface.")
    names = ", ".join(page.name for page in seen.pages)
    return Mark(key="interface", state="passed", sentence=f"{names}: rendered with no error.")


def _tests(seen: Findings) -> Mark:
    own = [trial for trial in seen.trials if trial.error and not blamed_on(trial)]
    other = next((blamed_on(trial) for trial in seen.trials if blamed_on(trial)), "")
    if seen.tested.state == "failed" and seen.tested.undeclared:
        other = "Declared hosts only"
    elif seen.tested.state == "failed":
        return _tests_failed(seen.tested.sentence, "Run python -m pytest in the folder.", seen.tested.details)
    if own:
        change = _change_of(own[0].error, f"gavip dev . --run {own[0].name} runs it by itself.")
        return _tests_failed(_message(own[0]), change, _shown(own))
    if seen.complaints:
        title, found = next(iter(seen.complaints.items()))
        change = "Mend the pipeline, or what the test in avi.toml expects."
        every = [f"{name}: {one}" for name, some in seen.complaints.items() for one in some]
        return _tests_failed(f"{title}: {found[0]}.", change, every)
    if other or seen.tested.state == "late":
        return Mark(key="tests", state="skipped", sentence=OTHER_CAUSE.format(where=other or "Time"))
    return _untested(seen) or _tests_passed(seen)


def _tests_failed(sentence: str, change: str, details: Iterable[str]) -> Mark:
    return Mark(key="tests", state="failed", sentence=sentence, change=change, details=list(details))


def _untested(seen: Findings) -> Mark | None:
    """Return the mark of an AVI of which something has no test."""
    if seen.tested.state == "missing":
        change = "pip install 'avi-kernel[checking]'"
        return Mark(key="tests", state="warning", sentence=f"{seen.tested.sentence}.", change=change)
    if seen.not_run:
        name, required = next(iter(seen.not_run.items()))
        return Mark(
            key="tests",
            state="warning",
            sentence=f"{', '.join(seen.not_run)}: not run, for it has parameters without a default, and no test gives them values.",
            change=_lines_of_a_test(name, dict.fromkeys(required, "a value"), "a-result.csv"),
        )
    if seen.untested:
        trial = next(each for each in seen.trials if each.name == seen.untested[0])
        view = trial.view
        made = [entry.name for entry in view.results if not entry.name.endswith(".ipynb")] if view else []
        return Mark(
            key="tests",
            state="warning",
            sentence=f"{', '.join(seen.untested)}: run with its defaults and no error, but it has no test.",
            change=_lines_of_a_test(trial.name, view.parameters if view else {}, *made[:1]),
        )
    if not seen.trials and seen.tested.state == "none":
        return Mark(
            key="tests",
            state="warning",
            sentence="It has no tests.",
            change="Put what is worth testing into modules, and functions test_… for it into tests/test_….py.",
        )
    return None


def _tests_passed(seen: Findings) -> Mark:
    parts = (
        [f"{len(seen.trials)} run{'' if len(seen.trials) == 1 else 's'} as expected"] if seen.trials else []
    )
    parts += [f"pytest: {seen.tested.sentence}"] if seen.tested.state == "passed" else []
    return Mark(key="tests", state="passed", sentence=f"{'; '.join(parts)}.")


def _lines_of_a_test(pipeline: str, values: Mapping[str, JsonValue], *made: str) -> str:
    """Return a test to begin with: values for some parameters, and one of the results."""
    given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in list(values.items())[:3])
    lines = [
        "In avi.toml, with values that make it quick:",
        f"[[pipelines.{pipeline}.tests]]",
        'title = "a small input"',
        f"parameters = {{ {given} }}",
        *(f'[pipelines.{pipeline}.tests.results."{name}"]' for name in made),
    ]
    return "\n".join(lines)


def _repeatable(seen: Findings) -> Mark:
    if not seen.repeated:
        why = "No pipeline ran to its end." if seen.trials or seen.not_run else "There is no pipeline."
        return Mark(key="repeatable", state="skipped", sentence=why)
    for title, files in seen.differences.items():
        names = ", ".join(files)
        every = [
            f"{one}, {file}: {words}"
            for one, some in seen.differences.items()
            for file, words in some.items()
        ]
        return Mark(
            key="repeatable",
            state="failed",
            sentence=f"A second run of {title} with the same values gave other contents: {names}.",
            change="Give random numbers a seed, as in numpy.random.default_rng(1), or make the seed a parameter; sort "
            "what comes in no order; keep the time out of results.",
            details=every,
        )
    failed = [trial for trial in seen.repeated if trial.error]
    if failed:
        sentence = f"{failed[0].title} ran once, and failed when it was run again: {_message(failed[0])}"
        return Mark(key="repeatable", state="failed", sentence=sentence, details=_shown(failed))
    names = ", ".join(dict.fromkeys(trial.name for trial in seen.repeated))
    return Mark(key="repeatable", state="passed", sentence=f"{names}: a second run gave the same.")


def _time(seen: Findings) -> Mark:
    late = [trial for trial in [*seen.pages, *seen.trials, *seen.repeated] if blamed_on(trial) == "Time"]
    late_words = [trial.error.message for trial in late if trial.error]
    late_words += [seen.tested.sentence] if seen.tested.state == "late" else []
    if late_words:
        return Mark(
            key="time",
            state="failed",
            sentence=f"{late_words[0]}.",
            change="Give its test smaller values, so that it takes seconds; or look for what waits for ever.",
            details=late_words,
        )
    if seen.out_of_time:
        sentence = "The check's own time was up before everything was looked at."
        return Mark(key="time", state="failed", sentence=sentence, change="Give the tests smaller values.")
    took = [f"{trial.name} {trial.seconds:.1f} s" for trial in [*seen.pages, *seen.trials] if not trial.error]
    if not took:
        return Mark(key="time", state="skipped", sentence="Nothing ran to its end.")
    slow = [page for page in seen.pages if page.seconds > SLOW_PAGE]
    slow += [trial for trial in seen.trials if trial.seconds > SLOW_TEST]
    return Mark(
        key="time",
        state="warning" if slow else "passed",
        sentence=f"{', '.join(dict.fromkeys(took))}.",
        change="Let the interface show something first, and submit long work as a job." if slow else "",
    )


def _memory(seen: Findings) -> Mark:
    everything = [*seen.pages, *seen.trials, *seen.repeated]
    leaks = {name: mb for name, held in seen.held.items() if (mb := leak_of(held)) is not None}
    if leaks:
        name, mb = next(iter(leaks.items()))
        return Mark(
            key="memory",
            state="failed",
            sentence=f"{name} leaks: run again and again in one process, it keeps {mb:.1f} MB more each time.",
            change="Look for what only grows: lists and dictionaries of modules, caches without a limit "
            "(functools.lru_cache has one), figures that are not closed, threads that go on.",
            details=[
                f"{each}: {', '.join(f'{mb:.0f}' for mb in held)} MB after each round"
                for each, held in seen.held.items()
            ],
        )
    killed = [trial for trial in everything if blamed_on(trial) == "Memory"]
    over = [
        trial for trial in everything if trial.memory_mb and trial.memory_mb > (trial.asked_mb or USUAL_MB)
    ]
    if killed or over:
        return _too_much((killed or over)[0])
    most: dict[str, Trial] = {}
    for trial in everything:
        if trial.memory_mb and trial.memory_mb > (
            most[trial.name].memory_mb or 0 if trial.name in most else 0
        ):
            most[trial.name] = trial
    if not most:
        return Mark(key="memory", state="skipped", sentence="Memory could not be measured here.")
    near = [
        trial
        for trial in most.values()
        if trial.asked_mb and (trial.memory_mb or 0) > NEARLY * trial.asked_mb
    ]
    return Mark(
        key="memory",
        state="warning" if near else "passed",
        sentence=f"{', '.join(map(_held, most.values()))} at most{'; nothing leaks' if seen.held else ''}.",
        change=_more_memory(near[0]) if near else "",
    )


def _too_much(trial: Trial) -> Mark:
    sentence = (
        f"{trial.title} held {trial.memory_mb:.0f} MB, and asks for {trial.asked_mb or USUAL_MB:.0f}."
        if trial.memory_mb and not trial.error
        else _message(trial)
    )
    return Mark(key="memory", state="failed", sentence=sentence, change=_more_memory(trial))


def _more_memory(trial: Trial) -> str:
    table = "interface" if trial.name.endswith(".ipynb") else f"pipelines.{trial.name}"
    return f"In avi.toml, or let it hold less:\n[{table}]\nmemory = {round((trial.memory_mb or USUAL_MB) * 1.3 / 50 + 0.5) * 50}"


def _held(trial: Trial) -> str:
    asked = f" of {trial.asked_mb:.0f}" if trial.asked_mb else ""
    return f"{trial.name} {trial.memory_mb:.0f}{asked} MB"


def _message(trial: Trial) -> str:
    """Return in a sentence why a run failed."""
    message = trial.error.message if trial.error else ""
    return f"{trial.test}: {message}" if trial.test else message


def _change_of(error: JobError | None, otherwise: str) -> str:
    if error and error.ename == "ModuleNotFoundError":
        return "Name the package in requirements.txt, or put the module beside the notebooks."
    return error.hint if error and error.hint else otherwise


def _shown(trials: Iterable[Trial]) -> list[str]:
    """Return the traceback of each failure, or the cell where there is none, as a job's page shows them."""
    errors = [trial.error for trial in trials if trial.error]
    shown = [error.traceback.strip()[-1900:] or error.source.strip()[:1900] for error in errors]
    return [text for text in shown if text]
