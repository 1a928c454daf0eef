"""What results come of: inputs by hash, facts of the start, comparisons of old and new."""

import sqlalchemy as sa
from alembic import op


revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inputs",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("parameter", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("stamp", sa.String(length=120), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_inputs_job")),
        sa.PrimaryKeyConstraint("job", "parameter", name=op.f("pk_inputs")),
    )
    op.create_index("inputs_by_stamp", "inputs", ["stamp"])
    op.create_table(
        "provenance",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("image_digest", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("environment", sa.String(length=32), nullable=True),
        sa.Column("archive_url", sa.String(), nullable=False),
        sa.Column("archive_name", sa.String(), nullable=False),
        sa.Column("archive_release", sa.String(), nullable=False),
        sa.Column("queries", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_provenance_job")),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_provenance")),
    )
    open_facts = sa.text("closed_at IS NULL")
    op.create_index(
        "provenance_open", "provenance", ["job"], sqlite_where=open_facts, postgresql_where=open_facts
    )
    op.create_index("provenance_by_key", "provenance", ["key"])
    op.create_table(
        "comparisons",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("before", sa.String(length=32), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_comparisons_job")),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_comparisons")),
    )
    open_ones = sa.text("made_at IS NULL")
    op.create_index(
        "comparisons_open", "comparisons", ["job"], sqlite_where=open_ones, postgresql_where=open_ones
    )


def downgrade() -> None:
    op.drop_table("comparisons")
    op.drop_table("provenance")
    op.drop_table("inputs")
