"""Who is acting: in a request, a job, a command or a test. Knows no view and no user table."""
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Actor:
    """A signed-in person as the rules see him; made once per change of the security tables.

    `verbs`: "<entity>.<verb>" granted. `reach`: ids of the owners whose rows he sees, None = all.
    `roles`: ids of his roles. `masked`: "<entity>.<field>" shown with stars. `stamp` ends his other sessions when it changes.
    """

    id: int
    username: str
    name: str
    verbs: frozenset[str] = frozenset()
    reach: frozenset[int] | None = frozenset()
    masked: frozenset[str] = frozenset()
    roles: frozenset[int] = frozenset()
    department: str = ""
    stamp: str = ""
    active: bool = True
    must_change: bool = False
    must_enrol: bool = False  # a role asks for a second factor that is not set up yet
    subordinates: frozenset[int] = frozenset()
    colleagues: frozenset[int] = frozenset()  # the people of his department, himself among them
    departments: dict[str, tuple[str, frozenset[int]]] = field(default_factory=dict)  # key -> name, whom he sees of it and those below
    shares: frozenset[str] | None = None  # tables of which a row was shared with him; None = not known
    looker: int = 0  # the administrator who looks with this person's eyes and changes nothing; 0: it is the person himself
    memo: dict = field(default_factory=dict, repr=False)

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def given(self) -> str:
        """What he is called: of 李雨桐 雨桐; a Latin name and a title (管理员) stay whole."""
        return self.name if len(self.name) < 3 or self.name.isascii() or self.name.endswith("员") else self.name[-2:]

    def get_id(self) -> str:
        """What the session cookie keeps: the id and the stamp of its day."""
        return f"{self.id}:{self.stamp}"

    def may(self, entity: str, verb: str) -> bool:
        """Whether a role grants the verb on the entity."""
        return f"{entity}.{verb}" in self.verbs

    def circles(self) -> list[str]:
        """Whose rows he may ask for: mine, team (mine and my subordinates'), department, all; as far as his reach goes."""
        wider = {"team": self.subordinates, "department": self.colleagues - {self.id}}
        found = [key for key, people in wider.items() if (people if self.reach is None else people & self.reach)]
        return ["mine", *found, *(["all"] if self.reach is None else [])]

    def circle(self, key: str) -> frozenset[int] | None:
        """Ids of the owners of a circle, of a department by its key or of one person by his id; None = everybody. KeyError beyond his
        reach."""
        if key in self.departments:
            return self.departments[key][1]
        if key.isascii() and key.isdecimal() and len(key) < 10 and (self.reach is None or int(key) in self.reach):
            return frozenset({int(key)})
        if key not in self.circles():
            raise KeyError(key)
        if key == "all":
            return None
        people = {"mine": frozenset(), "team": self.subordinates, "department": self.colleagues}[key] | {self.id}
        return people if self.reach is None else people & (self.reach | {self.id})


NOBODY = Actor(0, "", "", active=False)  # a visitor: no verb, no row
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current() -> Actor | None:
    """The acting person; NOBODY for a visitor; None for the system itself (commands, jobs), which sees all."""
    return _actor.get()


def current_id() -> int | None:
    """The acting person's id, None for the system."""
    who = _actor.get()
    return who.id or None if who else None


def set_actor(who: Actor | None):
    """Say who acts from here on; returns the token for `reset`."""
    return _actor.set(who)


@contextmanager
def acting_as(who: Actor | None):
    """Run a block as somebody (None: the system)."""
    token = _actor.set(who)
    try:
        yield who
    finally:
        _actor.reset(token)
