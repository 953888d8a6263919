"""交接: what somebody holds goes to one person or is parted among several: evenly, or by a column of the records (level, region), or kind
by kind. What belongs to a record that goes along follows it. History stays: a model says what of it does (`Owned.stays`, `handed`).
What he is for others without owning it (superior, head, approver, collaborator) goes whole to one person (`DUTIES`)."""
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from sqlalchemy import or_, select

from app.core import actor, changes, clock, entity, jobs
from app.core.describe import describe
from app.core.entity import Owned
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _, _l

from .models import Department, Employee
from .people import below
from .rules import keep_below

CHUNK = 500
STAY = "stay"
PLACE = re.compile(r"\S+?(?:省|自治区|行政区|市)|[^\s/·,，-]+")
ALONG: list = []  # later modules: function(session, rows of one model, plan) before they change hands
DUTIES: dict[str, "Duty"] = {}  # also of later modules, in their order
WARNINGS: list = []  # later modules: function(session, {table or duty: {person: what he gets}}) -> sentences for the preview


@dataclass(frozen=True)
class Duty:
    """What somebody is for others: `rows(session, person id)` that name him, `give(session, rows, to, person)` lets them name another;
    `needs`: the right without which nobody may do so, as "department.edit"."""

    label: str
    rows: Callable
    give: Callable
    needs: str = ""


def named_in(label: str, column, needs: str) -> Duty:
    """The duty of a person whom a column of a table names."""
    model = column.class_

    def give(session, rows, to, person):
        for row in rows:
            setattr(row, column.key, to)
    return Duty(label, lambda session, person: list(session.scalars(select(model).where(column == person).order_by(model.id))), give, needs)


@dataclass
class Plan:
    """Whose records go to whom: `to` takes over evenly, or by the column `way`, whose values `shares` gives to people; `kinds`: table or
    duty -> a person who gets all of that kind, or 'stay'; duties else go to the first of `to`. `keep_credit`: what was earned with
    contracts stays the former owner's."""

    person: int
    to: list[int] = field(default_factory=list)
    way: str = "even"
    shares: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    keep_credit: bool = True

    @property
    def params(self) -> dict:
        """What a job keeps."""
        return asdict(self)


def models() -> list[type]:
    """What is handed over, records before those that belong to them."""
    found = [m for m in entity.entities() if issubclass(m, Owned) and not m.stays]
    return sorted(found, key=_depth)


def _above(model):
    """The model whose records these belong to, None when they stand alone."""
    name = getattr(model, "scope_parent", None)
    return getattr(model, name).property.mapper.class_ if name else None


def _depth(model) -> int:
    above = _above(model)
    return 0 if above is None else 1 + _depth(above)


def ways() -> dict[str, object]:
    """Column -> its field, of all columns by which records may be parted."""
    return {name: describe(m)[name] for m in models() for name in m.handed_by}


def value_of(name: str, raw) -> str:
    """How a record is told apart by a column: its choice, or the first place of a region ('江苏省 苏州市' is '江苏省')."""
    if not raw or ways()[name].kind != "text":
        return raw or ""
    found = PLACE.match(raw.strip())
    return found[0] if found else ""


def held(session, person: int) -> dict[type, list]:
    """{model: rows of id, `above` (id of the record it belongs to) and the columns of `handed_by`} of what a person would hand over."""
    found = {}
    for model in models():
        above = getattr(model, f"{model.scope_parent}_id") if _above(model) else model.id
        wanted = select(model.id, above.label("above"), *(getattr(model, n) for n in model.handed_by))
        found[model] = session.execute(wanted.where(model.owner_id == person, *model.handed()).order_by(model.id).execution_options(
            everyone=True)).all()
    return found


def duties(session, person: int) -> dict[str, list]:
    """{duty: rows that name a person in it}, of the duties that the acting person may give away; none that names nobody."""
    who = actor.current()
    found = {key: duty.rows(session, person) for key, duty in DUTIES.items() if not duty.needs or who is None or duty.needs in who.verbs}
    return {key: rows for key, rows in found.items() if rows}


def assign_duties(session, plan: Plan) -> dict[str, dict[int, list]]:
    """{duty: {person: rows}} of what goes to others by a plan."""
    return {key: {int(plan.kinds.get(key) or plan.to[0]): rows} for key, rows in duties(session, plan.person).items()
            if plan.kinds.get(key) != STAY}


def assign(session, plan: Plan) -> dict[type, dict[int, list[int]]]:
    """{model: {person: ids}} of everything that changes hands by a plan."""
    goes: dict = {}  # (model, id) -> person
    found = {}
    for model, rows in held(session, plan.person).items():
        said, gets, loose = plan.kinds.get(model.__tablename__, ""), {}, []
        for row in rows if said != STAY else ():
            to = int(said) if said else goes.get((_above(model), row.above)) or _by_value(plan, model, row)
            if to:
                gets.setdefault(to, []).append(row.id)
            else:
                loose.append(row)
        _deal(plan.to, model, loose, gets)
        goes |= {(model, i): to for to, ids in gets.items() for i in ids}
        found[model] = gets
    return found


def _by_value(plan, model, row) -> int | None:
    return plan.shares.get(value_of(plan.way, getattr(row, plan.way))) if plan.way in model.handed_by else None


def _deal(people, model, rows, gets) -> None:
    """Deal rows out so that everybody gets as many, and as many of each level (or what else comes first in `handed_by`)."""
    first = model.handed_by[:1]
    for n, row in enumerate(sorted(rows, key=lambda r: (*(str(getattr(r, name) or "~") for name in first), r.id))):
        gets.setdefault(people[n % len(people)], []).append(row.id)


def check(session, plan: Plan) -> Employee:
    """The person who hands over; raises RuleError for a plan that cannot be done."""
    who, person = actor.current(), session.get(Employee, plan.person)
    if person is None or (who and who.reach is not None and person.id not in who.reach):
        raise RuleError(_("Choose whose records are handed over."), "who")
    keep_below(session, person)
    if not plan.to:
        raise RuleError(_("Choose who takes over."), "to")
    if person.id in plan.to:
        raise RuleError(_("Choose somebody else."), "to")
    named = {*plan.to, *plan.shares.values(), *(int(to) for to in plan.kinds.values() if to not in ("", STAY))}
    working = set(session.scalars(select(Employee.id).where(Employee.id.in_(named), Employee.active)))
    if named - working:
        raise RuleError(_("This person does not work here any more."), "to")
    if not named <= set(plan.to):
        raise RuleError(_("Only those who take over can get something."), "to")
    return person


def do(session, plan: Plan) -> dict:
    """Hand over by a plan, whole or not at all; {"batch", "counts": {table: {person: n}}}. Flushed, not committed. Raises RuleError."""
    person, found, also = check(session, plan), assign(session, plan), assign_duties(session, plan)
    counts = {key: {to: len(ids) for to, ids in gets.items()} for key, gets in (
        *((m.__tablename__, gets) for m, gets in found.items()), *also.items()) if gets}
    if not counts:
        raise RuleError(_("%(name)s holds nothing that could be handed over.", name=person))
    names = dict(session.execute(select(Employee.id, Employee.name).where(Employee.id.in_(plan.to))).all())
    label = f"{person} → {'、'.join(names[i] for i in plan.to)}"
    batch = changes.batch_id(session, "handover", "ab_user", label)
    with changes.moving(session, "handover"):
        for model, gets in found.items():
            for to, ids in gets.items():
                _give(session, plan, model, ids, to)
    for key, gets in also.items():
        for to, rows in gets.items():
            DUTIES[key].give(session, rows, to, person)
    session.flush()
    return {"batch": batch, "counts": counts}


def _give(session, plan, model, ids, to) -> None:
    for start in range(0, len(ids), CHUNK):
        wanted = select(model).where(model.id.in_(ids[start:start + CHUNK]), model.owner_id == plan.person).order_by(model.id)
        rows = list(session.scalars(wanted.with_for_update(of=model).execution_options(everyone=True)).unique())
        for more in ALONG:
            more(session, rows, plan)
        for row in rows:
            row.owner_id = to
        session.flush()


# ---- what somebody is for others ------------------------------------------------------------------------------
def _lead(session, rows, to, person):
    """The subordinates get a new superior; one who stood below the person himself takes his place."""
    stood_below = to in below(session.execute(select(Employee.id, Employee.superior_id)).all(), person.id)
    for row in rows:
        row.superior_id = to
    if stood_below:
        session.get(Employee, to).superior_id = person.superior_id


def _shared(session, person) -> list:
    """What is shared with a person, of the records on which something is still to do."""
    wanted = [Collaborator.row_id.in_(select(m.id).where(*m.handed())) & (Collaborator.entity == m.__tablename__) for m in models()]
    return list(session.scalars(select(Collaborator).where(
        Collaborator.employee_id == person, or_(Collaborator.until.is_(None), Collaborator.until >= clock.today()),
        or_(*wanted)).order_by(Collaborator.id).execution_options(everyone=True)))


def _share(session, rows, to, person):
    """Another works along, for as long as the two of them could in all. Whoever owns the record needs no share; of a task that the
    person himself handed out the other one sees how it goes, and is no executor."""
    for row in rows:
        record = session.get(entity.by_name(row.entity), row.row_id, execution_options={"everyone": True})
        mine = session.scalar(select(Collaborator).where(
            Collaborator.entity == row.entity, Collaborator.row_id == row.row_id, Collaborator.employee_id == to))
        if record.owner_id == to:
            session.delete(row)
        elif mine is not None:
            mine.until = max(mine.until, row.until) if mine.until and row.until else None
            mine.may_write = mine.may_write or row.may_write
            session.delete(row)
        else:
            row.employee_id, row.may_write = to, row.may_write and record.created_by_id != person.id


DUTIES["superior"] = Duty(_l("Subordinates"), lambda session, person: list(session.scalars(
    select(Employee).where(Employee.superior_id == person).order_by(Employee.id))), _lead)
DUTIES["head"] = named_in(_l("Head of departments"), Department.head_id, "department.edit")
DUTIES["collaborator"] = Duty(_l("Records and tasks that others share with him"), _shared, _share)


def hand_over(session, rows, to):
    """Everything that people hold goes to one other person: the action for programs; people go by the page."""
    for employee in rows:
        do(session, Plan(employee.id, [to]))


@jobs.kind("handover")
def handover_job(job, session, _progress):
    """A hand-over as a job; it is one transaction, so that nobody holds half."""
    done = do(session, Plan(**job.params))
    return {**done, "text": _("%(n)d records handed over.", n=sum(n for gets in done["counts"].values() for n in gets.values()))}
