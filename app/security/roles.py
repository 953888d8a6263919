"""The default roles on one readable page (manual 4.9.1; product.md 角色): verbs by entity, data scope, masked fields.

'*' is every verb of the entity. Seeded by `crm init` and `crm roles`; the administrator changes them on /role/.
"""
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.core.describe import describe
from app.core.entity import entities

from .models import RolePolicy

CRM = ("customer", "contact", "followup", "opportunity", "quote", "contract", "paymentplan", "payment", "invoice", "expense", "claim")
OWN_TASKS = {"task": "read add edit delete export", "journal": "read add edit delete export"}
ALL_CRM = {
    **dict.fromkeys(CRM, "*"),
    "task": "*",
    "payment": "read add edit delete import export transfer",  # confirmed by finance
    "claim": "read add edit delete import export",  # paid out by finance
    "product": "read",
    "productcategory": "read",
    "pricelist": "read",
    "approval": "read",
    "target": "read add edit delete export assign",
    "credit": "*",
    "journal": "*",
    "pool": "read claim assign",
    "sharerequest": "read decide",
    "mail": "read",
    "trash": "restore",
}
EVERYBODY = {"apitoken": "read add revoke"}
COSTS = ("cost", "margin")  # what only who leads or counts may see
DEFAULTS = {  # key: (name, data scope, {entity: verbs})
    "admin": ("管理员", "all", {"*": "*"}),
    "director": ("销售总监", "all", {**ALL_CRM, "user": "read", "department": "read"}),
    "manager": ("销售经理", "subordinates", {**ALL_CRM, "user": "read", "department": "read"}),
    "sales": ("销售员", "own", {
        "customer": "read add edit delete import export transfer share lock", "contact": "read add edit delete import export transfer",
        "followup": "read add edit delete export", "target": "read add edit delete export", "credit": "*", "pool": "read claim",
        "sharerequest": "read decide", "product": "read", "productcategory": "read", "pricelist": "read", "approval": "read",
        "mail": "read", **dict.fromkeys(("opportunity", "quote", "contract", "paymentplan", "payment", "expense", "claim"),
                        "read add edit delete import export transfer"), "invoice": "read", **OWN_TASKS}),
    "finance": ("财务", "all", {**dict.fromkeys((*CRM, "credit"), "read export"),
                              **dict.fromkeys(("paymentplan", "payment", "invoice", "claim"), "*"),
                              "expense": "read export edit", "product": "read export", "productcategory": "read", "pricelist": "read",
                              "approval": "read", **OWN_TASKS}),
    "office": ("行政", "all", {"customer": "read add edit import", "contact": "read add edit import", "followup": "read add",
                                  **dict.fromkeys(("product", "productcategory", "pricelist"), "read add edit import export"),
                                  **dict.fromkeys(("quote", "contract", "expense", "claim"), "read add edit"), "approval": "read",
                                  **OWN_TASKS}),
}
MORE_VERBS = {
    "role": ("read", "edit", "add", "delete"),
    "loginlog": ("read", "export"),
    "exportlog": ("read", "export"),
    "audit": ("read", "export"),
    "batch": ("read", "undo"),
    "trash": ("restore", "purge"),
    "job": ("read",),
    "parameter": ("read", "edit"),
    "system": ("read", "edit"),
    "backup": ("read", "add", "export", "delete", "restore"),
    "filter": ("edit",),
}


def verbs_of_views() -> dict[str, tuple]:
    """entity -> the verbs that a role may grant, from the declared screens."""
    from app import modules
    found = {v.entity: tuple(v.verbs()) for v in modules.views() if v.entity and hasattr(v, "verbs")}
    return {**found, **MORE_VERBS}


def _permission(session, entity, verb):
    """FAB's permission row `can_<verb>` on `<entity>`, made when missing."""
    name = f"can_{verb}"
    permission = session.scalar(select(Permission).where(Permission.name == name)) or Permission(name=name)
    menu = session.scalar(select(ViewMenu).where(ViewMenu.name == entity)) or ViewMenu(name=entity)
    session.add_all((permission, menu))
    session.flush()
    pair = session.scalar(select(PermissionView).where(
        PermissionView.permission_id == permission.id, PermissionView.view_menu_id == menu.id))
    if pair is None:
        pair = PermissionView(permission=permission, view_menu=menu)
        session.add(pair)
        session.flush()
    return pair


def grants(entities: dict, known: dict) -> list[tuple[str, str]]:
    """The (entity, verb) pairs of a role's declaration."""
    wanted = known if "*" in entities else entities
    return [(entity, verb) for entity in wanted for verb in known.get(entity, ())
            if entities.get(entity, entities.get("*", "")) == "*" or verb in entities.get(entity, "").split()]


def set_grants(session, role, pairs) -> None:
    """Give a role exactly these (entity, verb) pairs."""
    role.permissions = [_permission(session, entity, verb) for entity, verb in sorted(set(pairs))]


def held(role) -> set[tuple[str, str]]:
    """The (entity, verb) pairs that a role holds."""
    return {(p.view_menu.name, p.permission.name.removeprefix("can_")) for p in role.permissions}


def _hidden() -> list[str]:
    """The cost and margin fields of all entities: salespeople do not see them (product.md 4.9.3)."""
    return [f"{m.__tablename__}.{one.name}" for m in entities() for one in describe(m).values() if one.masked and one.name in COSTS]


def seed(session, again: bool = False) -> None:
    """Make the default roles that are missing; `again` puts the present ones back to their defaults."""
    known = verbs_of_views()
    have = {p.key: p for p in session.scalars(select(RolePolicy))}
    for key, (name, scope, granted) in DEFAULTS.items():
        if key in have and not again and key != "admin":
            continue
        policy = have.get(key)
        role = session.get(Role, policy.role_id) if policy else Role(name=name)
        session.add(role)
        session.flush()
        set_grants(session, role, grants(granted if "*" in granted else {**EVERYBODY, **granted}, known))
        if policy is None:
            policy = RolePolicy(role_id=role.id, scope=scope, key=key, masked=_hidden() if key in ("sales", "office") else [])
            session.add(policy)
        elif again:
            policy.scope, policy.masked = scope, _hidden() if key in ("sales", "office") else []
    session.flush()
