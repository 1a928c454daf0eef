"""What authors of pipelines import: tasks of a graph, and how code tells of its results and progress.

Names are loaded when they are used, so that a notebook that only says `result` does not wait for Luigi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avi_kernel.pipelines.author import progress, result
    from avi_kernel.pipelines.tasks import AviLocalTarget, AviParameter, AviTask

__all__ = ["AviLocalTarget", "AviParameter", "AviTask", "progress", "result"]

_HOMES = {
    "AviLocalTarget": "avi_kernel.pipelines.tasks",
    "AviParameter": "avi_kernel.pipelines.tasks",
    "AviTask": "avi_kernel.pipelines.tasks",
    "progress": "avi_kernel.pipelines.author",
    "result": "avi_kernel.pipelines.author",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
