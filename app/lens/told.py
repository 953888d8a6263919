"""What a role, or a person, may do, in sentences (岗位权限说明), made of the matrix that the screen of the role edits."""
from app.core.entity import Owned, entities
from app.core.words import _
from app.security import pages

WHOSE = ("own", "subordinates", "department", "departments", "all")


def _whose(key: str) -> str:
    """Whose records a data scope reaches, as it stands behind the verbs."""
    return {"own": _("one's own"), "subordinates": _("one's own and one's subordinates'"), "department": _("one's department's"),
            "departments": _("one's department's and those below"), "all": _("everybody's")}[key]


def scope_told(key: str) -> str:
    """The data scope in a sentence."""
    return _("Reaches %(whose)s records, and what is shared.", whose=_whose(key))


def _owned() -> dict[str, bool]:
    """{entity: whether it is personal} of what belongs to somebody."""
    return {m.__tablename__.replace("_", ""): getattr(m, "personal", False) for m in entities() if issubclass(m, Owned)}


def _hidden(keys) -> dict[str, list[str]]:
    """{entity: labels of its masked fields}; lines count as their document's."""
    above = {m.__tablename__: getattr(m, "part_of", None) or m.__tablename__ for m in entities()}
    found: dict = {}
    for one in pages.masks(keys):
        if one["on"]:
            found.setdefault(above[one["entity"]].replace("_", ""), []).append(one["field"])
    return found


def sentences(held, wide: str, masked) -> list[dict]:
    """For each entity {entity, label, verbs, whose, hidden: lists of labels, text: the sentence}; `held`: (entity, verb) pairs, `wide`: the
    data scope, `masked`: keys of the hidden fields. Who may do nothing with it: no verbs."""
    owned, hidden, found = _owned(), _hidden(masked), []
    for row in pages.matrix(held):
        name = row["entity"]
        verbs = [cell["verb"] for cell in row["cells"] if cell["held"] and cell["known"]]
        own = owned.get(name) and "oversee" not in verbs
        whose = _whose("own" if own else wide) if name in owned else ""
        fields = list(dict.fromkeys(hidden.get(name, []))) if verbs else []
        found.append({"entity": name, "label": row["label"], "verbs": verbs, "whose": whose, "hidden": fields,
                      "text": _text(row["label"], [str(pages.VERBS[v]) for v in verbs], whose, fields)})
    return found


def _text(label, verbs, whose, fields) -> str:
    told = _("%(what)s: %(verbs)s %(whose)s", what=label, verbs="、".join(verbs), whose=whose).strip()
    return told + _("; hidden: %(fields)s", fields="、".join(fields)) if fields else told


def widest(scopes) -> str:
    """The data scope of who holds several roles."""
    return max(scopes, key=WHOSE.index, default="own")
