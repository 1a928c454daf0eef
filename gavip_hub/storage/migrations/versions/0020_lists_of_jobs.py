"""A person's jobs of one AVI, or in one state, are found without looking through all the others; so are shares that end."""

from alembic import op


revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("jobs_of_avi", "jobs", ["owner", "avi", "id"])
    op.create_index("jobs_in_state", "jobs", ["owner", "state", "id"])
    op.create_index("shares_by_end", "shares", ["expires_at"])


def downgrade() -> None:
    op.drop_index("shares_by_end", table_name="shares")
    op.drop_index("jobs_in_state", table_name="jobs")
    op.drop_index("jobs_of_avi", table_name="jobs")
