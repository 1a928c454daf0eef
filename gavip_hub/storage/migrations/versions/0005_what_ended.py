"""What has ended is counted out, and the newest of it found, without looking at all of it."""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HELD = "ended_at IS NULL"
CLOSED_SERVERS = "closed_at IS NOT NULL AND kind IN ('interface', 'notebook')"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("jobs_by_state")
        batch_op.create_index("jobs_by_state", ["state", "id"], unique=False)
        batch_op.create_index(
            "jobs_held", ["owner", "ended_at"], unique=False, sqlite_where=sa.text(HELD), postgresql_where=sa.text(HELD)
        )
    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.create_index(
            "servers_closed",
            ["id"],
            unique=False,
            sqlite_where=sa.text(CLOSED_SERVERS),
            postgresql_where=sa.text(CLOSED_SERVERS),
        )


def downgrade() -> None:
    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.drop_index("servers_closed")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("jobs_held")
        batch_op.drop_index("jobs_by_state")
        batch_op.create_index("jobs_by_state", ["state"], unique=False)
