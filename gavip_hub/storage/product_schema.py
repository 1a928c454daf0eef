"""Tables of products, of their files, and of who may read them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gavip_hub.storage.base import Base


class Product(Base):
    """Files of a path or of a job as they were at one moment."""

    __tablename__ = "products"
    __table_args__ = (
        Index("products_by_owner", "owner", "id"),
        Index("products_by_state", "state", "id"),
        Index("products_by_job", "job"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str]
    slug: Mapped[str] = mapped_column(String(40))
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    licence: Mapped[str] = mapped_column(String(60), default="", server_default="")
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(default="")
    path: Mapped[str] = mapped_column(default="")
    """Of its owner's space, where it is made of that."""
    job: Mapped[str | None] = mapped_column(String(32))
    """It may be deleted since; the product stays."""
    results: Mapped[list[str]]
    """Names of the job's results that it holds."""
    avi: Mapped[str | None]
    version: Mapped[str | None]
    avi_title: Mapped[str] = mapped_column(default="")
    authors: Mapped[list[str]]
    provenance: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    copied_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class ProductFileRow(Base):
    """A file of a product; its bytes are the blob of that digest."""

    __tablename__ = "product_files"
    __table_args__ = (Index("product_files_by_blob", "sha256", "product"),)

    product: Mapped[str] = mapped_column(ForeignKey("products.id"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str]


class Recipe(Base):
    """What a product's job ran with: it is run again from this, and offered to who is about to run the same."""

    __tablename__ = "recipes"
    __table_args__ = (Index("recipes_by_key", "key"),)

    product: Mapped[str] = mapped_column(ForeignKey("products.id"), primary_key=True)
    key: Mapped[str | None] = mapped_column(String(64))
    """What all have in common that make the same; None: not known."""
    whole: Mapped[bool]
    """Whether the product holds all results of its job."""
    made: Mapped[dict[str, Any]] = mapped_column(JSON)


class Share(Base):
    """Somebody who may read a product, until it ends or is revoked."""

    __tablename__ = "shares"
    __table_args__ = (
        Index("shares_by_product", "product"),
        Index("shares_by_subject", "kind", "subject"),
        Index("shares_by_end", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product: Mapped[str] = mapped_column(ForeignKey("products.id"))
    kind: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(default="")
    secret_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Of a link's secret, which is kept nowhere."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
