"""Choice lists: the values of every drop-down, kept by the administrator (manual 4.9.6 下拉选项)."""
from collections.abc import Callable

from sqlalchemy import UniqueConstraint, select

from . import fields, memo
from .entity import Entity
from .words import _l

COLOURS = [("grey", _l("Grey")), ("blue", _l("Blue")), ("green", _l("Green")), ("amber", _l("Amber")), ("red", _l("Red")),
           ("cyan", _l("Cyan")), ("violet", _l("Violet"))]


class Choice(Entity):
    """One value of a choice list. Rows keep its `code`; a used value is stopped, not deleted."""

    __table_args__ = (UniqueConstraint("list_name", "code"), {"extend_existing": True})
    memo = "choices"
    list_name = fields.choice(_l("List"), "choice_list", required=True)
    code = fields.text(_l("Code"), 40, required=True, readonly=True)
    name = fields.text(_l("Name"), 60, required=True)
    name_en = fields.text(_l("English name"), 60)
    colour = fields.choice(_l("Colour"), "colour")
    position = fields.whole(_l("Position"), default=0)
    is_default = fields.flag(_l("Default"))
    is_stopped = fields.flag(_l("Stopped"))


FIXED: dict[str, list[tuple]] = {"colour": COLOURS}  # lists that belong to the program
LATE: dict[str, Callable] = {}  # the same where the screens say what is in them: functions that give (code, label)
SEEDERS: list = []  # more to seed: functions of the session
NAMES: dict[str, object] = {}  # list name -> label, for the lists kept by the administrator
OWN: list = []  # functions of the session: lists of fields that the administrator made, name -> label
STEERING: set[str] = set()  # lists whose values steer the business
TABLES: dict[str, object] = {}  # list name -> load(session): lists that an entity of its own keeps (stages)
SEEDS: dict[str, list[tuple]] = {}  # list name -> [(code, zh, en, colour)]


def declare(name: str, label, values, *, steers: bool = False) -> None:
    """A module declares a list kept by the administrator and its first values (code, zh, en[, colour]).
    `steers`: rules depend on its values, so that an import may not add any by itself."""
    NAMES[name], SEEDS[name] = label, list(values)
    if steers:
        STEERING.add(name)


def fixed(name: str, values) -> None:
    """A module declares a list that belongs to the program: (code, label[, colour]); or a function that gives it when it is asked for."""
    if callable(values):
        LATE[name] = values
    else:
        FIXED[name] = list(values)


def table(name: str, load, steers: bool = True) -> None:
    """A module declares a list whose values are rows of an entity with `memo = "choices"`: `load(session)` gives
    {code: (zh, en, colour, is default, is stopped)} in order."""
    TABLES[name] = load
    if steers:
        STEERING.add(name)


def _load(session):
    rows = session.scalars(select(Choice).order_by(Choice.position, Choice.id)).all()
    lists: dict = {}
    for row in rows:
        lists.setdefault(row.list_name, {})[row.code] = (row.name, row.name_en, row.colour, row.is_default, row.is_stopped)
    return {**lists, **{name: load(session) for name, load in TABLES.items()}}


def _kept(session, name):
    return memo.recall(session, "choices", "lists", lambda: _load(session)).get(name, {})


def options(session, name: str, *, english=False, keep=(), stopped=False) -> list[tuple[str, str]]:
    """(code, label) of a list in order; stopped values only when they are in `keep`; with `stopped` those alone."""
    if stopped and (name == "choice_list" or name in FIXED or name in LATE):
        return []  # nobody stops these
    if name == "choice_list":
        return [(key, str(label)) for key, label in {**NAMES, **{k: v for more in OWN for k, v in more(session).items()}}.items()]
    if name in FIXED or name in LATE:
        return [(row[0], str(row[1])) for row in (FIXED[name] if name in FIXED else LATE[name]())]
    return [(code, (en or zh) if english else zh) for code, (zh, en, _colour, _default, is_stopped) in _kept(session, name).items()
            if (is_stopped if stopped else not is_stopped or code in keep)]


def label(session, name: str, code, *, english=False) -> str:
    """The label of a code; the code itself when the list no longer has it."""
    if code is None or code == "":
        return ""
    if name == "choice_list" or name in FIXED or name in LATE:
        return dict(options(session, name)).get(code, code)
    found = _kept(session, name).get(code)
    return ((found[1] or found[0]) if english else found[0]) if found else code


def labels(session, name: str, codes: str, *, english=False) -> str:
    """The labels of codes joined by commas, joined by 、."""
    return "、".join(label(session, name, code, english=english) for code in codes.split(","))


def colour(session, name: str, code) -> str:
    """The colour word of a code, '' for none."""
    if name in FIXED:
        return next((row[2] for row in FIXED[name] if row[0] == code and len(row) > 2), "")
    found = _kept(session, name).get(code)
    return (found[2] or "") if found else ""


def default(session, name: str) -> str | None:
    """The list's default code."""
    return next((code for code, row in _kept(session, name).items() if row[3] and not row[4]), None)


def seed(session) -> None:
    """Add the first values of the lists that have none."""
    for more in SEEDERS:
        more(session)
    have = set(session.scalars(select(Choice.list_name).distinct().execution_options(with_trash=True)))
    for name, values in SEEDS.items():
        if name in have:
            continue
        for place, (code, zh, en, *rest) in enumerate(values):
            session.add(Choice(list_name=name, code=code, name=zh, name_en=en, colour=rest[0] if rest else None,
                               position=place, is_default=False, is_stopped=False))


def code_for(session, list_name: str, name: str) -> str:
    """A free code for a new value: 'v1', 'v2', …"""
    taken = set(session.scalars(select(Choice.code).where(Choice.list_name == list_name).execution_options(with_trash=True)))
    return next(f"v{n}" for n in range(1, len(taken) + 2) if f"v{n}" not in taken)


def is_open(name: str) -> bool:
    """Whether an import may add values to the list by itself: lists that only describe, not those that steer."""
    return (name in NAMES and name not in STEERING) or name.startswith("custom_")
