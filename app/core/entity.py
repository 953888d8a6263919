"""What every business record has: number of its version, stamps, trash mark."""
import datetime as dt
import re

from flask_appbuilder import Model
from sqlalchemy import DateTime, ForeignKey, Integer, event
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column, relationship

from . import actor, clock
from .words import _l


class Entity(Model):
    """A business record; its table is the snake-case class name."""

    __abstract__ = True
    soft_delete = True
    audited = True
    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    version: Mapped[int] = mapped_column(default=1, nullable=False, sort_order=90)
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime, default=clock.now, sort_order=91, info={"kind": "moment", "label": _l("Created at"), "system": True,
                                                         "import_names": ("创建时间", "创建日期", "录入时间")})
    changed_at: Mapped[dt.datetime] = mapped_column(
        DateTime, default=clock.now, sort_order=92, active_history=True, info={"kind": "moment", "label": _l("Changed at"), "system": True})
    deleted_at: Mapped[dt.datetime | None] = mapped_column(default=None, sort_order=94, active_history=True)

    @declared_attr.directive
    def __tablename__(cls):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @declared_attr.directive
    def __mapper_args__(cls):
        return {"version_id_col": cls.version}

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:
        return mapped_column(Integer, ForeignKey("ab_user.id"), default=actor.current_id, sort_order=93, info={
            "kind": "ref", "label": _l("Created by"), "system": True, "target": "ab_user",
            "import_names": ("创建人", "录入人", "创建者")})

    @declared_attr
    def created_by(cls):
        return relationship("Employee", foreign_keys=[cls.created_by_id])

    @declared_attr
    def changed_by_id(cls) -> Mapped[int | None]:
        return mapped_column(Integer, ForeignKey("ab_user.id"), default=actor.current_id, sort_order=93,
                             active_history=True)

    def __repr__(self) -> str:
        return str(getattr(self, "name", None) or self.id)


class Owned:
    """A record that belongs to a person; the data scope of the roles applies to it. Of a hand-over (交接): a record that `stays` is
    history and keeps its owner; `handed_by` names the columns by which the others may be parted among several people."""

    stays = False
    handed_by: tuple = ()

    @classmethod
    def handed(cls) -> list:
        """The clauses of what goes along in a hand-over: what is still to do."""
        return []

    @declared_attr
    def owner_id(cls) -> Mapped[int | None]:
        return mapped_column(Integer, ForeignKey("ab_user.id"), default=actor.current_id, index=True, sort_order=80,
                             active_history=True, info={
            "kind": "ref", "label": _l("Owner"), "target": "ab_user", "required": True,
            "import_names": ("负责人", "业务员", "销售", "所有人", "跟进人")})

    @declared_attr
    def owner(cls):
        return relationship("Employee", foreign_keys=[cls.owner_id])


def entities() -> list[type[Entity]]:
    """Every concrete entity, in the order of definition."""
    found, todo = [], list(Entity.__subclasses__())
    while todo:
        cls = todo.pop(0)
        todo.extend(cls.__subclasses__())
        if not cls.__dict__.get("__abstract__"):
            found.append(cls)
    return found


def by_name(table: str) -> type[Entity]:
    """The entity of a table name, or what else is logged (the staff); raises KeyError."""
    known = {cls.__tablename__: cls for cls in entities()}
    if table in known:
        return known[table]
    return {m.class_.__tablename__: m.class_ for m in Model.registry.mappers if getattr(m.class_, "audited", False)}[table]


@event.listens_for(Session, "before_flush")
def _stamp_and_bin(session, _context, _instances):
    """Deletes become marks of the trash; every changed row gets its stamp."""
    for row in list(session.deleted):
        if isinstance(row, Entity) and row.soft_delete and not session.info.get("purge"):
            session.add(row)
            row.deleted_at = clock.now()
    for row in session.dirty:
        if isinstance(row, Entity) and not session.info.get("restoring") and session.is_modified(row, include_collections=False):
            row.changed_at, row.changed_by_id = clock.now(), actor.current_id()
