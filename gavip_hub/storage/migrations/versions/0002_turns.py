"""Whose turn it is, why jobs wait, and what they used while they ran."""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "spending",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("memory", sa.Double(), nullable=False),
        sa.Column("cpu", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_spending")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("course", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("step", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("cell", sa.BigInteger(), nullable=True))
        batch_op.create_index("attempts_by_container", ["container"], unique=False)
        batch_op.create_index(
            "attempts_uncleared",
            ["job"],
            unique=False,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reserved_for", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("wait", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("estimate", sa.JSON(none_as_null=True), nullable=True))
        batch_op.create_index("jobs_by_pipeline", ["avi", "pipeline", "state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("attempts_uncleared")
        batch_op.drop_index("attempts_by_container")
        batch_op.drop_column("cell")
        batch_op.drop_column("step")
        batch_op.drop_column("course")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("jobs_by_pipeline")
        batch_op.drop_column("estimate")
        batch_op.drop_column("wait")
        batch_op.drop_column("reserved_for")
    op.drop_table("spending")
    op.drop_table("settings")
