"""Which folders their owners let which AVIs write."""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grants",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("avi", sa.String(length=20), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["avi"], ["avis.name"], name=op.f("fk_grants_avi")),
        sa.PrimaryKeyConstraint("owner", "avi", "folder", name=op.f("pk_grants")),
    )


def downgrade() -> None:
    op.drop_table("grants")
