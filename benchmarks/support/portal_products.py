"""Rows of products of a grown platform: what they hold, and who reads them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from benchmarks.support.portal_names import (
    DIGEST,
    TABLE,
    USERS,
    VERSIONS,
    add,
    at,
    avi_name,
    job_name,
    owner_of,
    product_name,
)
from benchmarks.support.portal_pages import LINK
from gavip_hub.domain.products import secret_hash
from gavip_hub.storage.product_schema import Product, ProductFileRow, Share
from tests.support.portal import README


def add_products(session: Session, numbers: range, *, chain: dict[str, Any] | None) -> None:
    """Add products, with their files and shares; all come of the same."""
    add(session, Product, [product(number, chain) for number in numbers])
    add(session, ProductFileRow, [file for number in numbers for file in product_files(number)])
    add(session, Share, [share for number in numbers for share in shares(number)])


def product(number: int, chain: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": product_name(number),
        "owner": owner_of(number),
        "slug": "stars-of-a-field",
        "title": f"Stars of field {number}",
        "description": README,
        "state": "READY",
        "reason": "",
        "path": "",
        "job": job_name(number),
        "results": ["sample.csv"],
        "avi": avi_name(1),
        "version": VERSIONS[0],
        "avi_title": "Hertzsprung-Russell diagram",
        "authors": ["E. Hertzsprung", "H. N. Russell"],
        "provenance": chain,
        "files": 3,
        "bytes": 3 * len(TABLE),
        "copied_bytes": 3 * len(TABLE),
        "created_at": at(number),
        "ready_at": at(number),
    }


def product_files(number: int) -> Iterator[dict[str, Any]]:
    for name in ("tables/more.csv", "tables/others.csv", "tables/stars.csv"):
        yield {
            "product": product_name(number),
            "path": name,
            "size": len(TABLE),
            "sha256": DIGEST,
            "media_type": "text/csv",
        }


def shares(number: int) -> Iterator[dict[str, Any]]:
    """Yield who reads a product: everybody of most, one of the users of others, and of some nobody any more."""
    subjects = [("everyone", "")] if number % 3 else [("user", user) for user in USERS[:4]]
    for place, (kind, subject) in enumerate(subjects):
        yield {
            "id": f"h{number:08d}{place}",
            "product": product_name(number),
            "kind": kind,
            "subject": subject,
            "secret_hash": None,
            "created_at": at(number),
            "revoked_at": at(number) if number % 7 == 5 and number > 200 else None,
        }
    if number == 0:
        yield {
            "id": "h-link",
            "product": product_name(number),
            "kind": "link",
            "subject": "",
            "secret_hash": secret_hash(LINK),
            "created_at": at(number),
            "revoked_at": None,
        }
