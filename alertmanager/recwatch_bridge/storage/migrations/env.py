# ruff: noqa: INP001 - Alembic runs this by path; as a package, its modules would count as ours to import
"""Alembic's entry: run the migrations on the connection that `recwatch.store.migrate` holds locked."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
