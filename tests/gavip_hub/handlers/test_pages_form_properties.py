"""A pipeline's form is shown whatever is declared and whatever was typed into it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from avi_kernel.protocol.parameters import ParameterSpec
from gavip_hub.handlers.forms import PipelineForm
from gavip_hub.handlers.rendering import make_environment
from tests.avi_kernel.protocol.test_parameter_properties import TEXT, specs
from tests.support.portal import DIAGRAM, POOLS, RELEASE
from tests.support.shown_pages import everywhere

PAGE = make_environment("/services/gavip").get_template("pipeline.html")


@settings(deadline=None)
@given(specs(), TEXT, TEXT, TEXT, st.booleans(), st.text(max_size=40), st.text(max_size=12))
def test_any_form_is_shown_with_any_words_in_it(
    spec, title, help_text, unit, optional, typed, memory
) -> None:
    words = {"title": title, "help": help_text, "unit": unit, "optional": optional}
    shown = ParameterSpec.model_validate({**spec.model_dump(), **words})
    pipeline = DIAGRAM.model_copy(update={"parameters": [shown], "title": title, "summary": help_text})
    sent = PipelineForm.sent(RELEASE, pipeline, {"p.x": typed, "memory_mb": memory}).checked()
    for form in (PipelineForm.fresh(RELEASE, pipeline), sent):
        html = PAGE.render(
            **everywhere(), form=form, avi_title=title, pool=POOLS[0], answers_only=False, answer=None
        )
        assert 'name="p.x"' in html
    assert sent.valid == (not sent.faults)
