"""Whether a release is offered, deprecated or withdrawn, and why."""

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("releases") as batch:
        batch.add_column(sa.Column("standing", sa.String(), server_default="offered", nullable=False))
        batch.add_column(sa.Column("standing_reason", sa.String(), server_default="", nullable=False))
        batch.add_column(
            sa.Column("withdrawn_by_operator", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("releases") as batch:
        batch.drop_column("withdrawn_by_operator")
        batch.drop_column("standing_reason")
        batch.drop_column("standing")
