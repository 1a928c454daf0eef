"""What the checks of releases found."""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=True),
        sa.Column("scorecard", sa.JSON(), nullable=True),
        sa.Column("badges", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_checks_release")),
        sa.PrimaryKeyConstraint("release", name=op.f("pk_checks")),
    )


def downgrade() -> None:
    op.drop_table("checks")
