"""The cast: 李 owns, 王 sits in the same department, 赵 of another department must see nothing, 陈 sees all,
钱 leads 李 and 王; and an administrator."""
from sqlalchemy import select

PASSWORD = "plum-Blossom-7301"
PEOPLE = {  # user name: (name, role key, department, superior)
    "admin": ("管理员", "admin", "总公司", None), "chen": ("陈总", "director", "总公司", None),
    "qian": ("钱经理", "manager", "华东部", "chen"), "li": ("李雨桐", "sales", "华东部", "qian"),
    "wang": ("王浩然", "sales", "华东部", "qian"), "zhao": ("赵立强", "sales", "华南部", "chen")}
_ids: dict[str, int] = {}
_kept_tables = {"ab_user", "ab_role", "ab_permission", "ab_view_menu", "ab_permission_view", "ab_permission_view_role",
                "ab_user_role", "department", "role_policy", "choice", "stage", "revision"}


def stamp(line) -> None:
    """Tables that were not made by Alembic say which schema they have."""
    from sqlalchemy import text

    from app.core import backup
    line.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    line.execute(text("DELETE FROM alembic_version"))
    line.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": backup.newest_schema()})


def found(session) -> None:
    """Found the company: roles, choice lists, departments, people."""
    from flask import current_app

    from app.core import choices
    from app.security import roles
    from app.security.models import Department, Employee, RolePolicy
    stamp(session)
    roles.seed(session)
    choices.seed(session)
    top = Department(name="总公司")
    session.add(top)
    session.flush()
    departments = {"总公司": top, **{n: Department(name=n, parent_id=top.id) for n in ("华东部", "华南部")}}
    session.add_all(departments.values())
    session.flush()
    keys = {p.key: p.role_id for p in session.scalars(select(RolePolicy))}
    sm = current_app.appbuilder.sm
    role_of = {r.id: r for r in sm.get_all_roles()}
    for name, (full, role, department, superior) in PEOPLE.items():
        person = Employee(username=name, first_name=full, last_name="", name=full, email=f"{name}@example.com", active=True,
                          password=sm.hash_password(PASSWORD), department_id=departments[department].id,
                          superior_id=_ids.get(superior), stamp="s", roles=[role_of[keys[role]]])
        session.add(person)
        session.flush()
        _ids[name] = person.id
    session.commit()


def ids() -> dict[str, int]:
    """Employee ids by user name."""
    return dict(_ids)


def role(key: str) -> int:
    """The id of a default role."""
    from app.extensions import db
    from app.security.models import RolePolicy
    return db.session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == key))


def wipe(db) -> None:
    """Empty every table that tests write; people, roles and lists go back to what they were founded with."""
    from flask_appbuilder import Model
    from sqlalchemy import text

    from app.core import memo
    with db.engine.begin() as line:
        if line.dialect.name == "sqlite":
            line.execute(text("INSERT INTO search_index(search_index) VALUES('delete-all')"))
            line.execute(text("PRAGMA defer_foreign_keys=ON"))
        line.execute(text("UPDATE customer SET primary_contact_id = NULL"))
        line.execute(text("DELETE FROM choice WHERE list_name LIKE 'custom#_%' ESCAPE '#'"))
        for table in reversed(Model.metadata.sorted_tables):
            if table.name not in _kept_tables:
                line.execute(table.delete())
        keep = tuple(_ids.values())
        user = Model.metadata.tables["ab_user"]
        link = Model.metadata.tables["ab_user_role"]
        line.execute(link.delete().where(link.c.user_id.not_in(keep)))
        line.execute(user.delete().where(user.c.id.not_in(keep)))
        line.execute(user.update().values(wrong_tries=0, locked_at=None, active=True, must_change=False))
    memo.forget_revisions()
    memo._kept.clear()
