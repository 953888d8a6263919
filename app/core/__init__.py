"""The ground: SQLAlchemy only, no view, no business word. Importing it arms the session."""
from . import (  # noqa: F401
    actor,
    attachments,
    changes,
    choices,
    database,
    entity,
    jobs,
    memo,
    numbering,
    parameters,
    preferences,
    rollup,
    scope,
    search,
    undo,
)
