"""What packages of releases take."""

import sqlalchemy as sa
from alembic import op


revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("environments", sa.Column("folder_bytes", sa.BigInteger(), nullable=True))
    op.add_column(
        "environments", sa.Column("wheel_bytes", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("environments", "wheel_bytes")
    op.drop_column("environments", "folder_bytes")
