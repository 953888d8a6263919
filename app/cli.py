"""`flask --app run crm …`: administration without a browser. One clear line on failure, exit status not zero."""
import logging
import os
import sys
from pathlib import Path

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy import select

from app.core import choices
from app.core.rules import RuleError
from app.extensions import db

crm = AppGroup("crm", help="Administration of 快客 CRM.")


def _migrations() -> str:
    return str(Path(current_app.root_path) / "migrations")


def _revisions():
    with db.engine.connect() as line:
        present = MigrationContext.configure(line).get_current_revision()
    return present, ScriptDirectory(_migrations()).get_current_head()


def get_ready() -> None:
    """Before serving: a new database is made, an older schema is refused with one line."""
    present, head = _revisions()
    if present == head:
        return
    if present is not None and not os.environ.get("CRM_UPGRADE"):
        sys.exit("The database has an older schema: make a backup, then run `flask --app run crm init`.")
    initialise()


def initialise() -> None:
    """Tables, roles, lists, first department and administrator; harmless when they are there."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade(directory=_migrations())
    from app.security import roles
    roles.seed(db.session)
    choices.seed(db.session)
    _first_administrator()
    db.session.commit()


def _first_administrator() -> None:
    from flask_appbuilder.security.sqla.models import Role

    from app.security import passwords, rules
    from app.security.models import Department, Employee, RolePolicy
    if db.session.scalar(select(Employee.id).limit(1)):
        return
    given = os.environ.get("CRM_ADMIN_PASSWORD", "")
    word = given or passwords.one_time()
    top = Department(name="总公司")
    db.session.add(top)
    db.session.flush()
    role = db.session.get(Role, db.session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "admin")))
    admin = Employee(username="admin", first_name="管理员", last_name="", name="管理员", email="admin@localhost", active=True,
                     department_id=top.id, roles=[role])
    db.session.add(admin)
    rules.set_password(db.session, admin, word, check=False, one_time=not given)
    if not given:
        click.echo(f"administrator: admin   one-time password: {word}")


def _employee(name: str):
    from app.security.models import Employee
    found = db.session.scalar(select(Employee).where(Employee.username == name))
    if found is None:
        raise click.ClickException(f"there is no user {name}")
    return found


@crm.command()
def init():
    """Make or upgrade the database; create the first administrator."""
    initialise()
    click.echo("ready")


def fill_demo() -> None:
    """The made-up company in an empty database; only its passwords are told when it is there already."""
    from app.customers.models import Customer
    from app.demo import company
    if db.session.scalar(select(Customer.id).limit(1)):
        click.echo(f"demo users demo01 to demo24, password {company.PASSWORD}")
        return
    company.fill(db.session, click.echo)


@crm.command()
def demo():
    """Fill an empty database with a made-up company and print its users' passwords."""
    initialise()
    fill_demo()


@crm.command()
@click.argument("user")
def unlock(user):
    """Unlock a locked account."""
    from app.security import rules
    rules.unlock(db.session, [_employee(user)])
    db.session.commit()
    click.echo(f"{user} is unlocked")


@crm.command("reset-password")
@click.argument("user")
def reset_password(user):
    """Give a user a one-time password."""
    from app.security import rules
    with current_app.test_request_context():
        told = rules.reset_password(db.session, [_employee(user)])
        db.session.commit()
    click.echo(told)


@crm.command()
@click.option("--again", is_flag=True, help="Put the default roles back to their defaults.")
def roles(again):
    """Make the default roles that are missing; the administrator's role gets every right."""
    from app.security import roles as table
    table.seed(db.session, again)
    db.session.commit()
    click.echo("roles are there")


@crm.command()
def worker():
    """Do the background work until stopped."""
    from app import queue
    queue.work(current_app._get_current_object())


@crm.command()
def check():
    """Look for what should not be: wrong schema, missing search entries."""
    present, head = _revisions()
    if present != head:
        raise click.ClickException(f"schema is {present}, should be {head}")
    click.echo("ok")




@crm.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--entity", default="customer", show_default=True)
@click.option("--owner", help="User name of the owner of rows that name none.")
@click.option("--key", default="name", show_default=True, help="Field that tells whether a record is there already.")
@click.option("--on-duplicate", type=click.Choice(["skip", "overwrite", "fill"]), default="skip", show_default=True)
@click.option("--report", type=click.Path(dir_okay=False), help="CSV of the faults: row, column, value, reason.")
@click.option("--check", is_flag=True, help="Write nothing.")
def import_(file, entity, owner, key, on_duplicate, report, check):
    """Import a spreadsheet by the pipeline of the screens."""
    from app.imports import running
    try:
        with current_app.test_request_context():
            done = running.run_file(file, entity, owner=owner, key=key, on_duplicate=on_duplicate, report=report, check=check)
    except (RuleError, KeyError) as no:
        click.echo(f"Error: {no}", err=True)
        sys.exit(2)
    click.echo("created {created} updated {updated} skipped {skipped} failed {failed}".format(**done))


@crm.command()
@click.argument("entity")
@click.argument("out", type=click.Path(dir_okay=False))
@click.option("--as", "user", help="Export what this user may see (default: everything).")
def export(entity, out, user):
    """Export an entity to OUT.xlsx or OUT.csv as the screens do."""
    from app.core import actor
    from app.security.people import actor_for
    from app.views import exporting
    who = actor_for(db.session, _employee(user).id) if user else None
    with actor.acting_as(who), current_app.test_request_context():
        try:
            n = exporting.to_file(entity, out)
        except KeyError:
            raise click.ClickException(f"there is no entity {entity}") from None
    click.echo(f"exported {n}")
