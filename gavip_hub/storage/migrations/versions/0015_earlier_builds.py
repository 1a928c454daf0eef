"""Earlier builds of releases, and whom the boxes of checks called."""

import sqlalchemy as sa
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checks", sa.Column("called", sa.JSON(), nullable=True))
    op.add_column("releases", sa.Column("earlier_builds", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("releases", "earlier_builds")
    op.drop_column("checks", "called")
