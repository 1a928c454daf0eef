"""A product's job once more, by whoever may read the product: a job of their own, of the same release, values and contents."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import JobSubmit, JobView
from avi_kernel.protocol.provenance import ProductAgainView, ProductInput
from gavip_hub.clock import Clock
from gavip_hub.domain.products import Reader
from gavip_hub.domain.repetition import Made
from gavip_hub.exceptions import BadParameter, Conflict, GavipError, NotFound
from gavip_hub.services.jobs import JobService
from gavip_hub.services.known_inputs import KnownInputs
from gavip_hub.services.recipes import ReaderOf, recipe_of
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage import products
from gavip_hub.storage.database import Database

NO_JOB = "it is made of files, and not by a job"
NOT_KEPT = "what its job ran with is not known: it is not all kept yet, or an input changed while the job ran"


class ProductAgainService:
    """Runs again what products come of.

    Inputs are taken by their contents: a file that the reader may read and that holds the same. What its owner alone
    may read is told before, by name and hash, as the product's chain tells it; the reader names a file of theirs then.
    """

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        releases: ReleaseService,
        known: KnownInputs,
        clock: Clock,
        reader: ReaderOf,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._releases = releases
        self._known = known
        self._clock = clock
        self._reader = reader

    def look(self, *, viewer: str, groups: Sequence[str], product: str) -> ProductAgainView:
        """Tell what a product's job ran with, which files somebody else would read, and whether it can be run at all.

        Raises
        ------
        NotFound
            There is no such product that is open to them.
        """
        reader = self._reader(viewer, groups, self._clock.now())
        with self._database.reading() as session:
            has_job = _require_readable(session, reader, product)
            made = recipe_of(session, product)
        if made is None:
            return ProductAgainView(product=product, reason=NOT_KEPT if has_job else NO_JOB)
        paths = {name: str(made.parameters.get(name, "")) for name in made.inputs}
        return ProductAgainView(
            product=product,
            avi=made.avi,
            version=made.version,
            pipeline=made.pipeline,
            parameters=dict(made.parameters),
            inputs=[
                ProductInput(
                    parameter=name,
                    path=path,
                    sha256=made.inputs[name],
                    yours=self._known.place_of(reader, made.inputs[name], path=path),
                )
                for name, path in paths.items()
            ],
            reason=self._reason(viewer, made),
        )

    def run(
        self,
        *,
        viewer: str,
        groups: Sequence[str],
        product: str,
        inputs: Mapping[str, str] | None = None,
        even_if_inputs_differ: bool = False,
    ) -> JobView:
        """Submit a job of one's own of what a product comes of; its results are compared with the product's.

        Parameters
        ----------
        inputs
            Parameter -> path of a file of one's own.

        Raises
        ------
        NotFound
            There is no such product, or its AVI is not open to them.
        Conflict
            It cannot be run again, or a file that was named holds something else.
        BadParameter
            No file with the content of an input is known, and none was named; or there is no such input.
        """
        view = self.look(viewer=viewer, groups=groups, product=product)
        if not view.avi:
            raise Conflict(f"not run again: {view.reason}.")
        release = self._releases.usable(viewer=viewer, avi=view.avi, version=view.version)
        taken = self._taken(viewer, view, inputs or {}, even_if_inputs_differ=even_if_inputs_differ)
        request = JobSubmit(
            avi=view.avi,
            version=view.version,
            pipeline=view.pipeline,
            parameters={**view.parameters, **taken},
            again_of=product,
        )
        return self._jobs.submit(owner=viewer, groups=groups, request=request, release=release)

    def _taken(
        self,
        viewer: str,
        view: ProductAgainView,
        named: Mapping[str, str],
        *,
        even_if_inputs_differ: bool,
    ) -> dict[str, str]:
        """Return the path of each input."""
        wanted = {one.parameter: one for one in view.inputs}
        if unknown := sorted(named.keys() - wanted.keys()):
            there = ", ".join(wanted) or "none"
            raise BadParameter(f"it has no input {unknown[0]!r}; it has: {there}", field="inputs")
        taken = {name: named.get(name) or one.yours for name, one in wanted.items()}
        for name, path in taken.items():
            if not path:
                raise BadParameter(
                    f"{name}: it read {wanted[name].path[:80]!r}, which is not open to you: name a file of yours, or ask "
                    f"its owner to share one with the SHA-256 {wanted[name].sha256}",
                    field=f"inputs.{name}",
                )
            is_same = path == wanted[name].yours or self._known.hash(viewer, path) == wanted[name].sha256
            if not is_same and self._known.is_there(viewer, path) and not even_if_inputs_differ:
                raise Conflict(
                    f"not run again: {path} does not hold what {name} held, or is too large to tell. "
                    "Name another file, or say that it may differ.",
                    field="even_if_inputs_differ",
                )
        return taken

    def _reason(self, viewer: str, made: Made) -> str:
        try:
            self._releases.usable(viewer=viewer, avi=made.avi, version=made.version)
        except GavipError as error:
            return error.message
        return ""


def _require_readable(session: Session, reader: Reader, product: str) -> bool:
    """Refuse who may not read a product; return whether it is a job's."""
    found = products.readable(session, product, reader)
    if found is None:
        raise NotFound(f"There is no product {product[:40]!r} that is open to you.")
    return found.job is not None
