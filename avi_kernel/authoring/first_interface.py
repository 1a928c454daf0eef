"""The interface that a wrapped notebook begins with: a field for each parameter, a button, and what the job made."""

from collections.abc import Iterator, Sequence

from avi_kernel.authoring.guesses import Guess

_IMPORTS = """\
import ipywidgets as widgets
from IPython.display import display

from avi_kernel.client import ApiError, submit"""
_RUN = """\
button = widgets.Button(description="Run", button_style="primary")
shown = widgets.Output()


def show_results(job):
    if job.phase != "COMPLETED":
        return
    for entry in job.results:
        if entry.media_type in ("image/png", "image/jpeg"):
            picture = widgets.Image(value=job.result(entry.name), format=entry.media_type.partition("/")[2])
            shown.append_display_data(picture)


@button.on_click
def run(_):
    shown.clear_output()
    with shown:
        try:
            job = submit({pipeline!r}, **{{name: field.value for name, field in fields.items()}})
        except ApiError as error:
            print(error)
            return
        display(job)
    job.watch(show_results)


display(*fields.values(), button, shown)"""
_FIELDS = {"bool": "Checkbox", "int": "IntText", "float": "FloatText", "str": "Text"}


def cells(title: str, pipeline: str, parameters: Sequence[Guess]) -> list[str]:
    """Return the sources of the interface's cells: text first, then code.

    Parameters
    ----------
    pipeline
        Which pipeline its button runs.
    """
    text = (
        f"# {title}\n\nChoose, then run. The job runs apart from this page: you may close it and come back."
    )
    return [text, _IMPORTS, "\n".join(_fields(parameters)), _RUN.format(pipeline=pipeline)]


def _fields(parameters: Sequence[Guess]) -> Iterator[str]:
    labels = {one.name: f"{one.name} ({one.unit})" if one.unit else one.name for one in parameters}
    widest = max(map(len, labels.values()), default=0)
    yield f"labels = {{'description_width': '{widest + 1}ch'}}"
    yield "fields = {"
    for one in parameters:
        yield f"    {one.name!r}: widgets.{_widget(one)}, description={labels[one.name]!r}, style=labels),"
    yield "}"


def _widget(one: Guess) -> str:
    kind = _FIELDS[one.kind]
    if one.minimum is None or one.maximum is None:
        return f"{kind}(value={one.value!r}"
    return f"Bounded{kind}(value={one.value!r}, min={one.minimum!r}, max={one.maximum!r}"
