"""What may ask for a hand today: sources that modules declare and the work desktop shows in one ranked list."""
from collections.abc import Callable
from dataclasses import dataclass

SOURCES: list = []  # every module appends its own


@dataclass(frozen=True)
class Source:
    """Rows of `model` that somebody should look at. `rule(session, who, mine)` is the clause of the list's named filter `quick`
    (one for "mine", one for wider circles), so that total and list agree; `due`: the day or moment it is about; `says`: a
    function title -> what is to do; `page`: where a row leads; `does`: what can be done in the row (finish, later, follow, pay).
    `owned`: the circle narrows it by owner; `wide`: offered over the whole company too; the smaller `rank` comes first."""

    rank: int
    key: str
    label: object
    model: type
    quick: tuple[str, str]
    rule: Callable
    due: object
    title: object
    page: str
    says: Callable = str
    detail: object = None
    customer: object = None
    does: str = "follow"
    tone: str = "y"
    owned: bool = True
    wide: bool = True

    @property
    def entity(self) -> str:
        """Whose right it asks and whose list it opens."""
        return self.model.__tablename__.replace("_", "")


def keep(*sources: Source) -> None:
    """Declare sources."""
    SOURCES.extend(sources)
    SOURCES.sort(key=lambda source: source.rank)
