"""Run by alembic: migrations on the connection, and in the transaction, that the caller holds."""

from alembic import context

from backend.store.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
