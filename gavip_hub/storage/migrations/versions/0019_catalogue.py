"""Cards of releases, favourites and uses: what the catalogue is made of."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op


revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AT_ONCE = 200


def upgrade() -> None:
    cards = op.create_table(
        "cards",
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("has_interface", sa.Boolean(), nullable=False),
        sa.Column("pipelines", sa.Integer(), nullable=False),
        sa.Column("picture", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_cards_release")),
        sa.PrimaryKeyConstraint("release", name=op.f("pk_cards")),
    )
    op.create_table(
        "favourites",
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("avi", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["avi"], ["avis.name"], name=op.f("fk_favourites_avi")),
        sa.PrimaryKeyConstraint("user", "avi", name=op.f("pk_favourites")),
    )
    op.create_table(
        "uses",
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("avi", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["avi"], ["avis.name"], name=op.f("fk_uses_avi")),
        sa.PrimaryKeyConstraint("user", "avi", name=op.f("pk_uses")),
    )
    op.create_index("uses_by_avi", "uses", ["avi"])
    op.create_index("releases_open", "releases", ["avi", "state", "visibility", "standing", "id"])
    _fill(cards)


def _fill(cards: sa.Table) -> None:
    """Make the cards of the releases that are there."""
    connection = op.get_bind()
    releases = sa.table("releases", sa.column("id"), sa.column("avi"), sa.column("spec", sa.JSON()))
    ids = list(connection.scalars(sa.select(releases.c.id)))
    for start in range(0, len(ids), AT_ONCE):
        wanted = sa.select(releases).where(releases.c.id.in_(ids[start : start + AT_ONCE]))
        connection.execute(cards.insert(), [_card(row) for row in connection.execute(wanted)])


def _card(row: Any) -> dict[str, Any]:
    spec = json.loads(row.spec) if isinstance(row.spec, str) else row.spec
    manifest = spec.get("manifest", {})
    return {
        "release": row.id,
        "title": manifest.get("title") or row.avi,
        "summary": manifest.get("summary", ""),
        "authors": [author["name"] for author in manifest.get("authors", [])],
        "keywords": manifest.get("keywords", []),
        "has_interface": spec.get("interface") is not None,
        "pipelines": sum(not pipeline.get("hidden") for pipeline in spec.get("pipelines", [])),
        "picture": "",
    }


def downgrade() -> None:
    op.drop_index("releases_open", table_name="releases")
    op.drop_index("uses_by_avi", table_name="uses")
    op.drop_table("uses")
    op.drop_table("favourites")
    op.drop_table("cards")
