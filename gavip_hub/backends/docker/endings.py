"""How a container ended: the engine's word counts, then the platform's, then its own."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from avi_kernel.protocol.boxes import END_FILE, SPEC_FILE, BoxSpec, ExitRecord, LastWords, Reason
from gavip_hub.backends.docker.engine import seconds
from gavip_hub.backends.records import STOP_FILE, read_record

_NEVER = "0001-"
_BY_SIGNAL = (128 + 9, 128 + 15)


def record_of(run_dir: Path, found: dict[str, Any], last_line: bytes) -> ExitRecord | None:
    """Put together what is known of an ended container; None where nobody knows why it ended.

    Parameters
    ----------
    run_dir
        Its folder.
    found
        What the engine tells of it.
    last_line
        What its first process printed last.
    """
    state, words = found["State"], _last_words(last_line)
    reason, message = _why(run_dir, state, words)
    if reason is None:
        return None
    box = read_record(run_dir / SPEC_FILE, BoxSpec)
    peak = words.memory_peak_mb if words else None
    started = state["StartedAt"] if not state["StartedAt"].startswith(_NEVER) else found["Created"]
    ended = state["FinishedAt"] if not state["FinishedAt"].startswith(_NEVER) else started
    return ExitRecord(
        exit_code=state["ExitCode"],
        reason=reason,
        message=message or _told(reason, box),
        started_at=seconds(started),
        ended_at=seconds(ended),
        memory_peak_mb=min(peak, box.memory_mb) if peak is not None and box else peak,
        cpu_seconds=words.cpu_seconds if words else None,
        course=words.course if words else [],
    )


def _why(run_dir: Path, state: dict[str, Any], words: LastWords | None) -> tuple[Reason | None, str]:
    """Return why it ended; None where nobody knows, which is the platform's own failure."""
    asked = (run_dir / STOP_FILE).exists()
    if state["Status"] == "created":
        return "failed_to_start", state["Error"]
    with suppress(OSError):
        reason, _, message = (run_dir / END_FILE).read_text().partition(" ")
        if reason in get_args(Reason):
            return cast("Reason", reason), message
    said_otherwise = words is not None and words.reason != "exited"
    if state["OOMKilled"] and state["ExitCode"] != 0 and not asked and not said_otherwise:
        return "out_of_memory", ""
    if words is None:
        return ("stopped", "") if asked else (None, "")
    if words.reason == "stopped" and not asked:
        # By a signal that was not ours: the engine's, as it was shut down; or the command's own, which then ended as it says.
        return (None, "") if state["ExitCode"] in _BY_SIGNAL else ("exited", "")
    return words.reason, words.message


def _told(reason: Reason, box: BoxSpec | None) -> str:
    if box is None:
        return ""
    return {
        "out_of_memory": f"it needed more than its {box.memory_mb} MB",
        "time_limit": f"it ran longer than its {box.time_limit} s",
    }.get(reason, "")


def _last_words(line: bytes) -> LastWords | None:
    try:
        return LastWords.model_validate_json(line)
    except ValidationError:
        return None
