"""Tables show what people choose by."""

from avi_kernel.cli.output import show
from avi_kernel.protocol.templates import TemplateView


def test_a_list_of_templates_tells_which_version_is_offered_and_which_are_retired(capsys):
    words = {"title": "T", "summary": "S", "address": "gavip:x.git", "source": "packaged"}
    rows = [
        TemplateView(name="python", version="1.1.0", state="offered", **words),
        TemplateView(name="java", version="1.0.0", state="retired", **words),
    ]
    show([row.model_dump(mode="json") for row in rows], model="TemplateView", as_json=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["name", "version", "state", "summary"],
        ["python", "1.1.0", "offered", "S"],
        ["java", "1.0.0", "retired", "S"],
    ]
