"""Alembic's environment: the application's own metadata and engine, SQLite and PostgreSQL."""
import warnings

from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db
IGNORED = ("search_index",)


def _ours(_object, name, kind, _reflected, _compare_to):
    """FTS5's shadow tables and the hand-made index are not Alembic's affair."""
    return not (kind == "table" and name.startswith(IGNORED)) and name != "ix_search_entry_tokens"


def run() -> None:
    """Migrate the present database."""
    from flask_appbuilder import Model
    with target.engine.connect() as line:
        context.configure(connection=line, target_metadata=Model.metadata, render_as_batch=True, include_object=_ours,
                          compare_type=False)
        with context.begin_transaction(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")  # no migration rebuilds its table
            context.run_migrations()
        line.commit()


run()
