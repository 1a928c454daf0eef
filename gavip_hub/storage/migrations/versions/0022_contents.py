"""Whatever holds a content is found newest first, however many hold the same."""

from alembic import op


revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("product_files_by_blob", table_name="product_files")
    op.create_index("product_files_by_blob", "product_files", ["sha256", "product"])
    op.drop_index("inputs_by_content", table_name="inputs")
    op.create_index("inputs_by_content", "inputs", ["sha256", "job"])


def downgrade() -> None:
    op.drop_index("inputs_by_content", table_name="inputs")
    op.create_index("inputs_by_content", "inputs", ["sha256"])
    op.drop_index("product_files_by_blob", table_name="product_files")
    op.create_index("product_files_by_blob", "product_files", ["sha256"])
