"""Say when a note was written; on SQLite this copies the table."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("notes", recreate="auto") as notes:
        notes.add_column(sa.Column("written", sa.DateTime(timezone=True)))
        notes.alter_column(
            "name", type_=sa.String(200), existing_type=sa.String(100), existing_nullable=False
        )


def downgrade() -> None:
    with op.batch_alter_table("notes") as notes:
        notes.drop_column("written")
