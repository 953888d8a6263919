"""Departments, employees (the users) and what a role may see (manual 4.9.1; product.md 4.9.1)."""
import datetime as dt

from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import JSON, DateTime, ForeignKey, Index, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import choices, clock, fields
from app.core.entity import Entity, Model
from app.core.words import _l

from . import devices

SCOPES = ("own", "subordinates", "department", "departments", "all")
choices.fixed("data_scope", [
    ("own", _l("Own records")), ("subordinates", _l("Own and subordinates' records")),
    ("department", _l("Own department")), ("departments", _l("Own department and those below")), ("all", _l("All records"))])
choices.fixed("gender", [("male", _l("Male")), ("female", _l("Female"))])
choices.fixed("login_result", [("ok", _l("Succeeded"), "green"), ("wrong", _l("Wrong password"), "amber"),
                               ("locked", _l("Locked"), "red"), ("inactive", _l("Deactivated"), "grey"),
                               ("unlock", _l("Unlocked"), "blue"), ("password", _l("Password changed"), "blue"),
                               ("logout", _l("Logged out"), "grey"), ("export", _l("Export"), "cyan"),
                               ("import", _l("Import"), "cyan"), ("permission", _l("Permission change"), "violet"),
                               ("token", _l("Access token"), "violet"), ("restore", _l("Backup restored"), "red"),
                               ("code", _l("Wrong code"), "amber"), ("purge", _l("Log purged"), "red"),
                               ("second", _l("Second factor changed"), "violet"),
                               ("look", _l("Looked as somebody"), "violet")])


FabUser.__table__.c.username.info.update(kind="text", label=_l("User name"), required=True, size=64)
FabUser.__table__.c.email.info.update(kind="text", label=_l("E-mail"), size=120, format="email")


class Department(Entity):
    """A node of the department tree."""

    memo = "security"
    name = fields.text(_l("Department"), 60, required=True)
    parent_id = fields.ref(_l("Parent department"), "department")
    parent = relationship("Department", foreign_keys=[parent_id], remote_side="Department.id")
    head_id = fields.ref(_l("Head"), "ab_user")
    head = fields.related("Employee", head_id)
    position = fields.whole(_l("Position"), default=0)


class Employee(FabUser):
    """A person who logs in. FAB's user with what a Chinese office keeps of its staff; `name` is the one name field."""

    audited = True
    memo = "security"
    unlogged = frozenset({"password", "stamp", "totp_secret", "totp_used", "last_login",
                          "login_count", "fail_login_count", "created_on", "changed_on"})
    name: Mapped[str | None] = fields.text(_l("Full name"), 60, required=True, import_names=("姓名",))
    job_number = fields.text(_l("Job number"), 20)
    gender = fields.choice(_l("Gender"), "gender")
    department_id = mapped_column(Integer, ForeignKey("department.id", use_alter=True, name="fk_user_department"), index=True, info={
        "kind": "ref", "label": _l("Department"), "target": "department", "required": True})
    department = relationship(Department, foreign_keys=[department_id])
    title = fields.text(_l("Position held"), 40)
    superior_id = mapped_column(Integer, ForeignKey("ab_user.id"), index=True, info={
        "kind": "ref", "label": _l("Superior"), "target": "ab_user"})
    superior = relationship("Employee", foreign_keys=[superior_id], remote_side="Employee.id")
    mobile = fields.text(_l("Mobile"), 20, format="mobile")
    wrong_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_at = mapped_column(DateTime, info={"kind": "moment", "label": _l("Locked at"), "readonly": True})
    must_change: Mapped[bool] = mapped_column(default=False, server_default="0")
    stamp: Mapped[str] = mapped_column(String(16), default="", server_default="")
    source: Mapped[str] = mapped_column(String(10), default="local", server_default="local")  # who judges the password: local, ldap, oidc
    external_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_used: Mapped[int | None]  # the last time step whose code was taken
    last_ip: Mapped[str | None] = mapped_column(String(45))
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    __mapper_args__ = {"version_id_col": version}

    def __repr__(self) -> str:
        return self.name or self.username

    @fields.fact(_l("Last login"), "moment", column="last_login")
    def last_login_at(self):
        """The last successful login, UTC."""
        return self.last_login

    @fields.fact(_l("Roles"))
    def roles_text(self):
        """Names of the roles."""
        return "、".join(r.name for r in self.roles)

    @fields.fact(_l("State"), "choice")
    def state(self):
        """active, stopped or locked."""
        return "locked" if self.locked_at else "active" if self.active else "stopped"


choices.fixed("employee_state", [("active", _l("Active"), "green"), ("stopped", _l("Stopped"), "grey"),
                                 ("locked", _l("Locked"), "red")])


class RolePolicy(Model):
    """What FAB's role does not say: the data scope and the masked fields."""

    __tablename__ = "role_policy"
    memo = "security"
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(20), default="own")
    masked: Mapped[list] = mapped_column(JSON, default=list)
    key: Mapped[str] = mapped_column(String(20), default="")
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())  # whoever holds the role needs one


class SecurityEvent(Model):
    """The security log: logins, failures, locks, unlocks, exports, imports, permission changes (promise 7).

    Never a password, a token or a full phone number."""

    __tablename__ = "security_event"
    __table_args__ = (Index("ix_security_event_at", "at"), {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    at = mapped_column(DateTime, default=clock.now, nullable=False, info={"kind": "moment", "label": _l("Time")})
    employee_id = fields.ref(_l("Person"), "ab_user")
    employee = fields.related(Employee, employee_id)
    username = fields.text(_l("User name"), 128)
    result = fields.choice(_l("Result"), "login_result")
    ip = fields.text(_l("IP address"), 45)
    device = fields.text(_l("Device in its own words"), 120)
    detail = fields.text(_l("Detail"), 400)
    subject = fields.choice(_l("Data"), "exported_kind")  # of an export or an import: whose rows, how many, as what
    rows = fields.whole(_l("Rows"))
    kind = fields.text(_l("Format"), 100)

    @fields.fact(_l("Device"), column="device")
    def browser(self):
        """Browser and system in words."""
        return devices.told(self.device)


class RecoveryCode(Model):
    """A code that lets a person in once when his phone is away; only its hash is kept."""

    __tablename__ = "recovery_code"
    id: Mapped[int] = mapped_column(primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(String(256))


class EndedSession(Model):
    """A session that was logged out before its time: a copy of its cookie opens nothing (promise 6). Kept until it would have
    ended by itself; `mark` is the sha256 of the session's id."""

    __tablename__ = "ended_session"
    memo = "sessions"
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[dt.datetime]


class LoginTry(Model):
    """Wrong passwords in a row by the name that was typed, whether such an account exists or not (promise 1)."""

    __tablename__ = "login_try"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    wrong: Mapped[int] = mapped_column(default=0)
