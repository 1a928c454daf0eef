"""What is known of the contents of files that jobs would read: a hash from before, or one that is taken while somebody waits."""

from collections.abc import Sequence
from itertools import chain

from gavip_hub.domain.products import Reader
from gavip_hub.exceptions import GavipError
from gavip_hub.services.inputs import InputFiles
from gavip_hub.services.product_views import seen_by
from gavip_hub.storage import products, provenance, recipes
from gavip_hub.storage.database import Database

LARGEST_HASHED = 64 * 1024 * 1024
"""Bytes of a file that is hashed while somebody waits for an answer; of a larger one a hash from before must be known."""


class KnownInputs:
    """Knows files by their contents, and contents by the files in which somebody may read them."""

    def __init__(self, *, database: Database, inputs: InputFiles) -> None:
        self._database = database
        self._inputs = inputs

    def hash(self, owner: str, path: str) -> str | None:
        """Return what a file's content is known by; None: it is gone, or too large to be read for a form."""
        try:
            with self._inputs.opened(owner, path) as (file, _):
                size = file.seek(0, 2)
        except GavipError:
            return None
        stamp = self._inputs.stamp(owner, path)
        with self._database.reading() as session:
            known = provenance.hashed(session, owner=owner, path=path, stamp=stamp) if stamp else None
        if known or size > LARGEST_HASHED:
            return known
        return self._inputs.content(owner, path).sha256

    def is_there(self, owner: str, path: str) -> bool:
        """Tell whether somebody may read a file of this path."""
        return bool(self._inputs.stamp(owner, path))

    def place_of(self, reader: Reader, sha256: str, *, path: str) -> str:
        """Return where somebody finds a content; empty where they may read no file with it, as far as is known.

        Parameters
        ----------
        path
            Where somebody else found it, which is looked at first.
        """
        if self.is_there(reader.name, path) and self.hash(reader.name, path) == sha256:
            return path
        places = (places(reader, sha256) for places in (self._in_products, self._of_own_jobs))
        candidates = chain.from_iterable(places)
        return next((one for one in candidates if self.is_there(reader.name, one)), "")

    def _in_products(self, reader: Reader, sha256: str) -> Sequence[str]:
        """Return the paths by which products that they may read show this content: it never changes there."""
        found = []
        with self._database.reading() as session:
            held = recipes.places(session, reader, sha256)
            shares = products.shares_of(session, [product.id for product, _ in held])
        for product, name in held:
            folder = seen_by(product, shares.get(product.id, []), reader.name, reader.groups, reader.now)
            found += [f"{folder}/{name}"] if folder else []
        return found

    def _of_own_jobs(self, reader: Reader, sha256: str) -> Sequence[str]:
        """Return files that jobs of theirs read with this content, and that nobody touched since."""
        with self._database.reading() as session:
            held = provenance.paths_with(session, owner=reader.name, sha256=sha256)
        return [path for path, stamp in held if self._inputs.stamp(reader.name, path) == stamp]
