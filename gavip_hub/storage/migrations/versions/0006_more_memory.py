"""Who agreed to more memory after running out of it, and what each attempt was given."""

import sqlalchemy as sa
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("again_with_more_memory", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("memory_mb", sa.Integer(), nullable=False, server_default="0"))
    given = "SELECT memory_mb FROM containers WHERE containers.id = attempts.container"
    op.execute(f"UPDATE attempts SET memory_mb = ({given})")


def downgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_column("memory_mb")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("again_with_more_memory")
