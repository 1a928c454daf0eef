"""What products of jobs come of, kept beside them: their jobs may be deleted. What an AVI answers from."""

import sqlalchemy as sa
from alembic import op


revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recipes",
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["products.id"], name=op.f("fk_recipes_product")),
        sa.PrimaryKeyConstraint("product", name=op.f("pk_recipes")),
    )
    op.create_index("recipes_by_key", "recipes", ["key"])
    op.create_index("products_by_job", "products", ["job"])
    op.create_index("inputs_by_content", "inputs", ["sha256"])
    op.add_column("provenance", sa.Column("gavip", sa.String(), nullable=False, server_default=""))
    op.add_column("avis", sa.Column("answers", sa.String(length=10), nullable=False, server_default="jobs"))


def downgrade() -> None:
    op.drop_column("avis", "answers")
    op.drop_column("provenance", "gavip")
    op.drop_index("inputs_by_content", table_name="inputs")
    op.drop_index("products_by_job", table_name="products")
    op.drop_table("recipes")
