"""What holds of disk and database whenever the service has started, whatever it was killed in."""

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

from gavip_hub.config import MB
from gavip_hub.domain.products import leaf_of
from gavip_hub.storage.userspace import UserSpaces
from tests.support.file_clients import Person, World, digest_of, files_below
from tests.support.forked_service import ForkedService
from tests.support.platform import eventually


def rows(root: Path, question: str) -> list[Any]:
    """Return what the database holds."""
    database = sqlite3.connect(f"file:{root / 'gavip.sqlite'}?mode=ro", uri=True, timeout=30)
    try:
        return database.execute(question).fetchall()
    finally:
        database.close()


def files_are_whole(person: Person) -> None:
    """Check each file of a person's: at the old place or at the new one, as it was; then take what is there for true."""
    root, doing = person.service.root, person.doing
    person.binned = binned_of(person)
    found = World(
        {("space", path, sha): 1 for path, sha in files_below(root / "users" / person.name).items()}
    )
    for top, files in person.binned.values():
        found += World({("bin", f"{top}/{path}" if path else top, sha): 1 for path, sha in files.items()})
    allowed = [person.world, *([doing.after] if doing else [])]
    is_between = doing is not None and doing.between and doing.after <= found <= person.world
    what = doing.what if doing else "nothing"
    person.killed[what] += 1
    assert found in allowed or is_between, (
        f"{person.name} in the middle of {what}: lost {person.world - found}, new {found - person.world}"
    )
    person.world, person.doing = found, None
    if person.coming and any(path == person.coming[0] for _, path, _ in found):
        person.coming = None


def binned_of(person: Person) -> dict[str, tuple[str, dict[str, str]]]:
    """Return what lies in a bin; each thing has its record, and is told of."""
    folder = person.service.root / "bin" / person.name
    with person.service.client(person.name) as http:
        told = {one["id"]: one["path"] for one in http.get("/api/data/bin").json()["items"]}
    things = {path.stem for path in folder.glob("*.thing")}
    assert set(told) == things, f"the bin of {person.name} tells of {told} and has {things}"
    return {name: (told[name], files_below(folder / f"{name}.thing")) for name in things}


def products_are_known(person: Person) -> None:
    """Check what was answered of products and shares."""
    root = person.service.root
    states = dict(rows(root, f"SELECT id, state FROM products WHERE owner = '{person.name}'"))
    live = {name for (name,) in rows(root, "SELECT id FROM shares WHERE revoked_at IS NULL")}
    for product, is_there in person.products.items():
        assert (states.get(product) in {"MAKING", "READY"}) == is_there, f"{product}: {states.get(product)}"
    for share, (product, holds) in person.shares.items():
        assert (share in live) == holds, f"{share} of {product}"
    person.products = {product: state in {"MAKING", "READY"} for product, state in states.items()}


def disk_and_database_agree(service: ForkedService, people: list[Person]) -> None:
    """Check products, contents, trees, what is aside, and quotas."""
    root = service.root
    eventually(lambda: not rows(root, "SELECT 1 FROM products WHERE state = 'MAKING'"), "all are made")
    eventually(lambda: not differences(root), f"disk and database agree: {differences(root)}", seconds=20)
    for blob in (root / "products" / "blobs").glob("*/*"):
        assert digest_of(blob) == blob.name
    assert not rows(root, "SELECT 1 FROM products WHERE state = 'FAILED'")
    for person in people:
        eventually(lambda person=person: quota_is_right(root, person.name), f"the quota of {person.name}")  # type: ignore[misc]


def differences(root: Path) -> list[str]:
    """Return in what the disk is not what the rows say."""
    found = [
        str(path)
        for place in ("aside/service", "products/aside", "products/trees")
        for path in (root / place).glob("*")
    ]
    named = {sha for (sha,) in rows(root, "SELECT sha256 FROM product_files")}
    kept = {path.name for path in (root / "products" / "blobs").glob("*/*")}
    found += [f"content {sha}" for sha in named ^ kept]
    wanted, shown = wanted_trees(root), shown_trees(root)
    return found + [f"tree {place}" for place in {*wanted, *shown} if wanted.get(place) != shown.get(place)]


def wanted_trees(root: Path) -> dict[str, dict[str, int]]:
    """Return what readers are to find: place -> path -> inode of the content."""
    contents: dict[str, dict[str, int]] = defaultdict(dict)
    for product, path, sha in rows(root, "SELECT product, path, sha256 FROM product_files"):
        blob = root / "products" / "blobs" / sha[:2] / sha
        contents[product][path] = blob.stat().st_ino if blob.exists() else 0
    question = (
        "SELECT p.id, p.slug, p.owner, s.kind, s.subject FROM products p JOIN shares s ON s.product = p.id "
        "WHERE p.state = 'READY' AND s.revoked_at IS NULL"
    )
    places = {}
    for product, slug, owner, kind, subject in rows(root, question):
        # Its owner finds what is shared with somebody by name as well.
        for way in (f"me/{subject}", f"me/{owner}") if kind == "user" else ("everyone",):
            places[f"{way}/{owner}/{leaf_of(slug, product)}"] = contents[product]
    return places


def shown_trees(root: Path) -> dict[str, dict[str, int]]:
    """Return what readers find."""
    places = [*(root / "shared/everyone").glob("*/*"), *(root / "shared/me").glob("*/*/*")]
    return {
        str(place.relative_to(root / "shared")): {
            str(path.relative_to(place)): path.stat().st_ino for path in place.rglob("*") if path.is_file()
        }
        for place in places
    }


def quota_is_right(root: Path, owner: str) -> bool:
    """Tell whether what is counted is what is there."""
    [counted] = [used for (used,) in rows(root, f"SELECT used_mb FROM spaces WHERE owner = '{owner}'")] or [0]
    [(products,)] = rows(
        root,
        f"SELECT COALESCE(SUM(bytes), 0) FROM products WHERE owner = '{owner}' AND state IN ('MAKING', 'READY')",
    )
    return bool(counted == UserSpaces(root=root).used_mb(owner) + products // MB)
