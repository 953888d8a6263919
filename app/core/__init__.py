"""The ground: SQLAlchemy only, no view, no business word. Importing it arms the session."""
from . import actor, attachments, changes, choices, database, entity, jobs, memo, numbering, preferences, scope, search, undo  # noqa: F401
