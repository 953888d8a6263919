"""What earlier modules announce and later ones hear (blinker signals)."""
from blinker import Signal

exported = Signal()  # sent with entity, rows, kind: somebody took data out
imported = Signal()  # sent with entity, rows, kind: somebody brought data in
