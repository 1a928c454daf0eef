"""Forms made from a pipeline's declaration, and what comes back from them."""

import pytest

from avi_kernel.protocol.form_fields import Field
from avi_kernel.protocol.parameters import ParameterSpec
from gavip_hub.exceptions import BadParameter, TooLarge
from gavip_hub.handlers.form_pages import proposal_of
from gavip_hub.handlers.forms import PipelineForm
from gavip_hub.services.proposals import MemoryProposal, author_memory
from tests.support.portal import DIAGRAM, RELEASE

GOOD = {
    "p.target": "Pleiades",
    "p.ra": "56.75",
    "p.dec": "24.12",
    "p.radius": "2.5",
    "p.bins": "80",
    "p.label": "Seven sisters",
    "p.densities": "false",
    "memory_mb": "",
}


def sent(**changes: str) -> PipelineForm:
    """Return the form as a browser sent it."""
    changed = {f"p.{name}" if name != "memory_mb" else name: text for name, text in changes.items()}
    return PipelineForm.sent(RELEASE, DIAGRAM, GOOD | changed).checked()


def problems(form: PipelineForm) -> dict[str, str]:
    return {field.spec.name: field.problem for field in form.fields if field.problem}


def test_a_good_form_is_a_submission_with_typed_values():
    asked = sent(memory_mb="600").submission()
    assert asked.parameters == {
        "target": "Pleiades",
        "ra": 56.75,
        "dec": 24.12,
        "radius": 2.5,
        "bins": 80,
        "label": "Seven sisters",
        "densities": False,
    }
    assert asked.memory_mb == 600
    assert asked.version == "1.0.0"


def test_all_problems_are_told_at_once_and_nothing_typed_is_lost():
    form = sent(radius="fifty", bins="12.5", dec="-91", label="")
    assert set(problems(form)) == {"radius", "bins", "dec", "label"}
    assert problems(form)["dec"] == "must be at least -90 deg; got -91"
    assert problems(form)["label"] == "is required"
    assert {field.spec.name: field.text for field in form.fields}["radius"] == "fifty"
    assert not form.valid
    assert form.faults[0].id == "diagram-dec"
    assert len(form.faults) == 4


def test_a_choice_that_was_not_offered_is_refused():
    assert "must be one of" in problems(sent(target="Andromeda"))["target"]


@pytest.mark.parametrize("text", ["lots", "-5", "12.5", "8", "9" * 40, "1e3", "٣٢"])
def test_memory_that_is_no_amount_is_refused_at_its_field(text: str):
    form = sent(memory_mb=text)
    assert form.memory.problem
    assert form.memory.text == text
    assert not form.valid


def test_a_form_again_holds_the_other_jobs_values():
    form = PipelineForm.fresh(
        RELEASE, DIAGRAM, values={"radius": 7.0, "gone": 1}, memory_mb=900, again_of="j-1"
    )
    texts = {field.spec.name: field.text for field in form.fields}
    assert texts["radius"] == "7"
    assert texts["bins"] == "120"
    assert "gone" not in texts
    assert form.memory.text == "900"
    assert form.again_of == "j-1"


def test_a_refusal_of_the_service_lands_at_its_field():
    form = sent().refused(BadParameter("radius: is too large for this field", field="radius"))
    assert problems(form) == {"radius": "is too large for this field"}
    assert sent().refused(TooLarge("the job asks for 9000 MB", field="memory_mb")).memory.problem
    assert sent().refused(TooLarge("the job asks for 9 cores", field="cpu")).problem


def authors(form: PipelineForm) -> int:
    return author_memory(DIAGRAM, form.values_so_far(), default=512)[0]


def test_the_authors_proposal_follows_the_values():
    assert authors(sent()) == 300
    assert authors(sent(radius="20")) == 1000


def test_a_proposal_needs_no_finished_form():
    assert authors(sent(radius="fif")) == 400


def proposal(**changes) -> MemoryProposal:
    values = {"memory_mb": 240, "source": "author", "author_mb": 240, "author_source": "author"}
    return MemoryProposal(**{**values, **changes})


@pytest.mark.parametrize(
    ("found", "formula", "sentence"),
    [
        (proposal(), None, "The author proposes 240 MB."),
        (proposal(author_source="expression"), "2 * n", "The author proposes 240 MB (2 * n)."),
        (proposal(author_source="default"), None, "The platform's default is 240 MB."),
        (proposal(past_mb=104), None, "The author proposes 240 MB. Past runs used 104 MB at most."),
        (
            proposal(memory_mb=120, source="past_runs", past_mb=104),
            None,
            "Past runs used 104 MB at most: 120 MB is proposed, and more if that runs out. The author's figure is 240 MB.",
        ),
        (
            proposal(memory_mb=120, source="past_runs", past_mb=104, author_source="expression"),
            "2 * n",
            "Past runs used 104 MB at most: 120 MB is proposed, and more if that runs out. The author's figure is 240 MB (2 * n).",
        ),
    ],
)
def test_a_proposal_says_where_it_comes_from(found, formula, sentence):
    told = proposal_of(found, formula)
    assert (told.sentence, told.placeholder) == (sentence, str(found.memory_mb))


def test_the_wish_for_more_memory_is_sent_and_kept():
    asked = {**GOOD, "again_with_more_memory": "true"}
    assert PipelineForm.sent(RELEASE, DIAGRAM, asked).submission().again_with_more_memory
    assert not sent().submission().again_with_more_memory
    assert PipelineForm.fresh(RELEASE, DIAGRAM, again_with_more_memory=True).again_with_more_memory


def test_limits_are_told_in_words():
    spec = ParameterSpec(name="radius", type="number", default=5.0, unit="deg", minimum=0.1, maximum=20)
    assert Field(pipeline="p", spec=spec, text="").limits == "Number from 0.1 to 20 deg; default 5 deg."
    assert Field(pipeline="p", spec=ParameterSpec(name="x"), text="").limits == "Text; required."


def test_an_optional_number_may_be_empty():
    spec = ParameterSpec(name="ra", type="number", optional=True, unit="deg", minimum=0, maximum=360)
    empty = Field(pipeline="p", spec=spec, text="")
    assert empty.limits == "Number from 0 to 360 deg; may be empty."
    assert empty.check() is None


def test_what_a_phone_offers_can_type_a_minus_where_one_is_needed():
    signed = Field(pipeline="p", spec=ParameterSpec(name="x", type="number"), text="")
    positive = Field(pipeline="p", spec=ParameterSpec(name="x", type="number", minimum=0), text="")
    assert (signed.numeric, positive.numeric) == ("", "decimal")


def test_an_empty_text_is_a_text_where_a_default_says_that_it_may_be():
    field = Field(pipeline="p", spec=ParameterSpec(name="label", default=""), text="")
    assert field.check() == ""
