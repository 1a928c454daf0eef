"""Files as they are looked at: by the readers themselves, and by the program that the platform starts."""

import io
import json
from pathlib import Path
from typing import Any

from avi_kernel.previewing.__main__ import READERS
from avi_kernel.previewing.words import Answer, Question, Unreadable
from avi_kernel.protocol.previews import PreviewView
from gavip_hub.backends.previewing import PreviewProgram
from gavip_hub.exceptions import Unavailable


def read(content: bytes, kind: str, **asked: Any) -> Answer:
    """Return what a reader answers, in this process."""
    from importlib import import_module

    module, function = READERS[kind]
    reader = getattr(import_module(f"avi_kernel.previewing.{module}"), function)
    return reader(Question(file=io.BytesIO(content), kind=kind, size=len(content), **asked))


def seen(content: bytes, kind: str, **asked: Any) -> PreviewView:
    """Return the same as pages get it."""
    return PreviewView.model_validate({"kind": kind} | read(content, kind, **asked).view)


def outcome(content: bytes, kind: str, **asked: Any) -> PreviewView:
    """Return the same, with a refusal as the sentence that pages get of it."""
    try:
        return seen(content, kind, **asked)
    except Unreadable as unfit:
        return PreviewView.model_validate({"kind": kind, "problem": str(unfit)})


async def answered(path: Path, kind: str, *, bwrap: Path | None = None, **asked: Any) -> PreviewView:
    """Return what the program answers of a file, with its limits and walls."""
    question = json.dumps({"kind": kind, **asked})
    with path.open("rb") as file:
        try:
            answer = await PreviewProgram(bwrap=bwrap).answer(file, question)
        except Unavailable as broken:
            return PreviewView.model_validate({"kind": kind, "problem": broken.message})
    return PreviewView.model_validate_json(answer.partition(b"\n")[0])
