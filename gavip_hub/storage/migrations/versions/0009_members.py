"""Who may read and write an AVI's repository."""

import sqlalchemy as sa
from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("avi", sa.String(length=20), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("may", sa.String(length=10), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["avi"], ["avis.name"], name=op.f("fk_members_avi")),
        sa.PrimaryKeyConstraint("avi", "user", name=op.f("pk_members")),
    )
    with op.batch_alter_table("avis") as batch:
        batch.add_column(sa.Column("source", sa.String(), server_default="private", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("avis") as batch:
        batch.drop_column("source")
    op.drop_table("members")
