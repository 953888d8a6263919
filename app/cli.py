"""`flask --app run crm …`: administration without a browser. One clear line on failure, exit status not zero."""
import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy import select, text

from app.core import choices, tally
from app.core.database import reading
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
    """Before serving: a new database is made, an older schema is refused with one line, figures that this version begins to keep are
    counted."""
    present, head = _revisions()
    if present == head:
        tally.fill(db.session)
        db.session.commit()
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
    tally.fill(db.session)
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
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE"))  # it would know nothing of the rows for its first minute
        db.session.commit()


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


@crm.command("reset-second")
@click.argument("user")
def reset_second(user):
    """Take a user's second factor away."""
    from app.security import second
    second.reset(db.session, [_employee(user)])
    db.session.commit()
    click.echo(f"{user} logs in with the password alone")


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
@click.option("--worker", is_flag=True, help="Also whether a worker did what was due within the last minutes.")
@click.option("--database", is_flag=True, help="Also whether the database is whole and every attachment is there.")
@click.option("--backup", is_flag=True, help="Also whether there is a good backup of the last two days.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Restore this backup on trial.")
def check(worker, database, backup, file):
    """Look for what should not be: wrong schema, no worker, a damaged database, no backup."""
    from app.backups import running
    from app.core import backup as files
    from app.watch import state
    present, head = _revisions()
    if present != head:
        raise click.ClickException(f"schema is {present}, should be {head}")
    if worker and not state.worker_lives(db.session):
        raise click.ClickException("no worker has been there for three minutes")
    with _told():
        if database:
            with reading():
                running.check_database(db.session)
        if backup:
            running.check_recent()
        if file:
            files.rehearse(file, db.engine)
    click.echo("ok")


@contextmanager
def _told():
    """A rule's refusal as the one clear line of a command."""
    try:
        yield
    except RuleError as no:
        raise click.ClickException(str(no)) from None


@crm.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--no-files", is_flag=True, help="Leave the attachments out.")
def backup(file, no_files):
    """Write everything, as of one moment, into FILE; the server may go on working."""
    from app.backups import running
    from app.core import backup as files
    with _told():
        told = files.make(db.engine, running.uploads(), file, with_files=not no_files)
    click.echo(f"{sum(rows for rows, _sum in told['tables'].values())} rows, {len(told['parts']) - 1} files, {file.stat().st_size} bytes")


@crm.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file):
    """Put FILE in the place of everything; what was there is saved first. A damaged file changes nothing."""
    from app.backups import running
    if db.engine.dialect.name != "sqlite":
        upgrade(directory=_migrations())
    with _told():
        told = running.restore(file, db.engine)
    click.echo(f"restored what was saved at {told['made_at']} (UTC): {sum(rows for rows, _sum in told['tables'].values())} rows, "
               f"{len(told['parts']) - 1} files")


@crm.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--entity", default="customer", show_default=True)
@click.option("--owner", help="User name of the owner of rows that name none.")
@click.option("--key", help="Field that tells whether a record is there already.")
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


@crm.command()
@click.argument("kind", type=click.Choice(["operations", "logins", "exports"]))
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Purge what is older than this day (office time).")
@click.option("--dry-run", is_flag=True, help="Only tell how many lines that is.")
@click.option("--yes", is_flag=True, help="Do it: there is no way back.")
def purge(kind, before, dry_run, yes):
    """Purge a log of what is older than a day: operations, logins, or exports and imports. The Cybersecurity Law asks for at least six
    months of logs. Make a backup first."""
    from app.security import purging
    before = before.date()
    with _told():
        n = purging.figure(db.session, kind, before)
        if dry_run:
            click.echo(f"{n} lines of the {purging.KINDS[kind]} are older than {before}")
        elif not yes:
            raise click.ClickException(f"{n} lines of the {purging.KINDS[kind]} would go for good; say --yes to do it")
        else:
            click.echo(f"purged {purging.run(db.session, kind, before)} lines of the {purging.KINDS[kind]}")


@crm.command()
@click.argument("target_url")
def move(target_url):
    """Copy everything into an empty PostgreSQL database and compare counts and checksums; stop the server first."""
    from sqlalchemy import create_engine

    import config
    from app.core import backup as files
    from app.core import move as moving
    url = config.database(target_url)
    if not url.startswith("postgresql"):
        raise click.ClickException("the target is a PostgreSQL address: postgresql://user:password@host/name")
    engine = create_engine(url)
    try:
        files.upgrade(url)
        done = moving.move(db.engine, engine, lambda t: click.echo(f"{t.name} {t.rows} {t.source:016x} {'ok' if t.equal else 'DIFFERS'}"))
    except RuleError as no:
        raise click.ClickException(str(no)) from None
    finally:
        engine.dispose()
    click.echo(f"moved {sum(t.rows for t in done)} rows of {len(done)} tables, all checksums equal")
