"""Packages that a release brings beside those of its image."""

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "environments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lock", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
    )
    with op.batch_alter_table("releases") as batch:
        batch.add_column(sa.Column("environment", sa.String(length=32), nullable=True))
        batch.add_column(sa.Column("build", sa.String(length=32), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(), server_default="", nullable=False))
        batch.create_foreign_key(op.f("fk_releases_environment"), "environments", ["environment"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("releases") as batch:
        batch.drop_constraint(op.f("fk_releases_environment"), type_="foreignkey")
        batch.drop_column("reason")
        batch.drop_column("build")
        batch.drop_column("environment")
    op.drop_table("environments")
