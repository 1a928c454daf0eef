"""Products say under which terms others may use them."""

import sqlalchemy as sa
from alembic import op


revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("licence", sa.String(60), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("products", "licence")
