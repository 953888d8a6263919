"""What the program knows of a model's fields: one description for forms, lists, filters, import, export and audit."""
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipDirection

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
    def attribute(self):
        """The class attribute to compare and sort by (None for a fact without a column)."""
        return getattr(self.model, self.sort) if self.sort else None


def _from_column(model, name, key, column, loads=()):
    info = column.info
    return Field(
        name=name, label=info["label"], kind=info["kind"], model=model, key=key, column=column,
        required=bool(info.get("required")), size=info.get("size"), choices=info.get("choices"),
        target=info.get("target"), masked=bool(info.get("masked")), readonly=bool(info.get("readonly")),
        system=bool(info.get("system")), format=info.get("format"), loads=loads, sort=key,
        import_names=tuple(info.get("import_names", ())), info=info)


@cache
def describe(model) -> dict[str, Field]:
    """The fields of a model by public name: columns with a label, many-to-one relationships, facts."""
    mapper, found, refs = inspect(model), {}, {}
    for relation in mapper.relationships:
        if relation.direction is RelationshipDirection.MANYTOONE and len(relation.local_columns) == 1:
            refs[next(iter(relation.local_columns))] = relation.key
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if "label" not in column.info:
            continue
        name = refs.get(column, attribute.key)
        found[name] = _from_column(model, name, attribute.key, column, (name,) if name != attribute.key else ())
    for cls in model.__mro__:
        for name, value in vars(cls).items():
            if isinstance(value, fact) and name not in found:
                found[name] = Field(name, value.label, value.kind, model, name, readonly=True, choices=value.choices,
                                    masked=value.masked, loads=value.loads, sort=value.sort_column)
    return found


def target_model(one: Field):
    """The model that a ref points to."""
    return inspect(one.model).relationships[one.name].mapper.class_


def label_of(model, name) -> str:
    """The label of a field by its public name or its key; the name itself when it has none."""
    for one in describe(model).values():
        if name in (one.name, one.key):
            return str(one.label)
    return name
