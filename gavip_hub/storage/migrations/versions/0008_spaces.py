"""What users' files took when they were measured last."""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spaces",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("used_mb", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_spaces")),
    )


def downgrade() -> None:
    op.drop_table("spaces")
