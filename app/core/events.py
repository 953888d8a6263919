"""What earlier modules announce and later ones hear (blinker signals)."""
from blinker import Signal

from .words import _l

exported = Signal()  # sent with entity, rows, kind: somebody took data out
changed = Signal()  # sent with session and rows (dicts, the columns of changes.Change): rows were changed, in this very transaction
NAMED: dict[str, object] = {"*": _l("All data"), "backup": _l("Backup")}  # names of what is taken out that is no list of an entity
imported = Signal()  # sent with entity, rows, kind: somebody brought data in
