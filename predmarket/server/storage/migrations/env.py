"""Alembic's entry point: runs the migrations on the connection that upgrade() holds open."""

from alembic import context

from predmarket.server.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
