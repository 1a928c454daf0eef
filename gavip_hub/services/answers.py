"""Answers of AVIs from products that are there, with nothing run."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import JsonValue

from avi_kernel.protocol.parameters import ParameterProblem, check_parameters
from avi_kernel.protocol.provenance import AnswerAsk, AnswerView, Computed
from gavip_hub.clock import Clock
from gavip_hub.exceptions import BadParameter
from gavip_hub.services.offers import OfferService
from gavip_hub.services.orders import pipeline_of
from gavip_hub.services.products_alone import is_only
from gavip_hub.services.recipes import ReaderOf
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import recipes
from gavip_hub.storage.database import Database

MOST_LOOKED_AT = 200
MOST_TOLD = 50
_SHORT = 12


class AnswerService:
    """Answers from products that the asker may read."""

    def __init__(
        self,
        *,
        database: Database,
        releases: ReleaseService,
        offers: OfferService,
        clock: Clock,
        reader: ReaderOf,
    ) -> None:
        self._database = database
        self._releases = releases
        self._offers = offers
        self._clock = clock
        self._reader = reader

    def is_only(self, *, viewer: str, avi: str) -> bool:
        """Tell whether somebody gets products of an AVI alone, and no jobs of their own."""
        with self._database.reading() as session:
            return is_only(session, avi=avi, viewer=viewer)

    def ask(self, *, viewer: str, groups: Collection[str], avi: str, ask: AnswerAsk) -> AnswerView:
        """Return a product of just these values, or which values there are products of.

        Raises
        ------
        NotFound
            There is no such AVI that is open to them.
        BadParameter
            It has no such pipeline, or a value is not acceptable.
        """
        release = self._releases.usable(viewer=viewer, avi=avi, version=ask.version)
        pipeline = pipeline_of(release, ask.pipeline)
        try:
            parameters = check_parameters(pipeline.parameters, ask.parameters)
        except ParameterProblem as problem:
            raise BadParameter(f"{problem.field}: {problem}", field=problem.field) from None
        key = self._offers.key(owner=viewer, release=release, pipeline=pipeline, parameters=parameters)
        reader = self._reader(viewer, groups, self._clock.now())
        with self._database.reading() as session:
            found = recipes.with_key(session, reader, key) if key else None
            there = [] if found else recipes.of_avi(session, reader, avi, limit=MOST_LOOKED_AT)
        if found:
            return AnswerView(answer=self._offers.of_product(found))
        alike = [one for one in there if one[1].made.get("pipeline") == pipeline.name]
        return AnswerView(
            computed=[
                Computed(
                    offer=self._offers.of_product(product),
                    version=str(recipe.made.get("version", "")),
                    pipeline=pipeline.name,
                    parameters=_told(recipe.made),
                )
                for product, recipe in alike[:MOST_TOLD]
            ]
        )


def _told(made: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the values of a recipe; of a file the beginning of its hash, since its name is its owner's alone."""
    inputs = made.get("inputs", {})
    values = made.get("parameters", {})
    return {
        name: f"SHA-256 {str(inputs[name])[:_SHORT]}…" if name in inputs else value
        for name, value in values.items()
    }
