"""What the program knows of a model's fields: one description for forms, lists, filters, import, export and audit."""
import datetime as dt
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipDirection

from . import entity
from .fields import fact


@dataclass(frozen=True)
class Field:
    """One public field of a model. `column`: the table column or None; `key`: the attribute that holds the value
    (for a ref the foreign key, while `name` is the relationship)."""

    name: str
    label: object
    kind: str
    model: type
    key: str
    column: object = None
    required: bool = False
    size: int | None = None
    choices: str | None = None
    target: str | None = None
    masked: bool = False
    readonly: bool = False
    system: bool = False
    format: str | None = None
    loads: tuple = ()
    sort: str | None = None
    import_names: tuple = ()
    info: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def stored(self) -> bool:
        """Whether a row keeps it, in a column or as an own field."""
        return self.column is not None or "custom" in self.info

    def first(self):
        """What a new record begins with, None for nothing; days and moments are reckoned now."""
        if "first" in self.info:
            return self.info["first"]()
        default = self.column.default if self.column is not None else None
        if default is None or not (default.is_scalar or self.kind in ("date", "moment")):
            return None
        return default.arg if default.is_scalar else default.arg(None)

    def typed(self, kept):
        """A value as the log keeps it in its Python type."""
        kind = self.column.type.python_type if self.column is not None else dt.date if self.kind == "date" else None
        return kind.fromisoformat(kept) if kind in (dt.datetime, dt.date) and isinstance(kept, str) else kept

    @property
    def begins_now(self) -> bool:
        """Whether a new record begins with the present day or moment."""
        return self.kind in ("date", "moment") and self.column is not None and self.column.default is not None

    @property
    def attribute(self):
        """The class attribute to compare and sort by (None for a fact without a column)."""
        return getattr(self.model, self.sort) if self.sort else None

    def hidden_from(self, who) -> bool:
        """Whether a person sees this field with stars."""
        return bool(who and f"{self.model.__tablename__}.{self.name}" in who.masked)


def _from_column(model, name, key, column, loads=()):
    info = column.info
    return Field(
        name=name, label=info["label"], kind=info["kind"], model=model, key=key, column=column,
        required=bool(info.get("required")), size=info.get("size"), choices=info.get("choices"),
        target=info.get("target"), masked=bool(info.get("masked")), readonly=bool(info.get("readonly")),
        system=bool(info.get("system")), format=info.get("format"), loads=loads, sort=key,
        import_names=tuple(info.get("import_names", ())), info=info)


MORE: list = []  # a function of the model: the own fields that the administrator made (core/custom), the same dict until one changes
_joined: dict = {}


def describe(model) -> dict[str, Field]:
    """The fields of a model by public name: columns with a label, many-to-one relationships, facts, own fields."""
    fixed = declared(model)
    own = MORE[0](model) if MORE and hasattr(model, "more") else None
    if not own:
        return fixed
    kept = _joined.get(model)
    if kept is None or kept[0] is not own:
        kept = _joined[model] = (own, {**fixed, **own})
    return kept[1]


@cache
def declared(model) -> dict[str, Field]:
    """The fields that the program declares."""
    mapper, found, refs = inspect(model), {}, {}
    for relation in mapper.relationships:
        if relation.direction is RelationshipDirection.MANYTOONE and len(relation.local_columns) == 1:
            refs[next(iter(relation.local_columns))] = relation.key
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if "label" not in column.info:
            continue
        name = refs.get(column, attribute.key)
        loaded = name != attribute.key and column.info.get("target") != "ab_user"  # people are known by name (cells.people)
        found[name] = _from_column(model, name, attribute.key, column, (name,) if loaded else ())
    for cls in model.__mro__:
        for name, value in vars(cls).items():
            if isinstance(value, fact) and name not in found:
                found[name] = Field(name, value.label, value.kind, model, name, readonly=True, choices=value.choices,
                                    masked=value.masked, loads=value.loads, sort=value.sort_column)
    return found


def target_model(one: Field):
    """The model that a ref points to."""
    relations, name = inspect(one.model).relationships, "created_by" if "custom" in one.info else one.name  # own fields point to people
    return relations[name].mapper.class_ if name in relations else entity.by_name(one.target)


def label_of(model, name) -> str:
    """The label of a field by its public name or its key; the name itself when it has none."""
    for one in describe(model).values():
        if name in (one.name, one.key):
            return str(one.label)
    return name
