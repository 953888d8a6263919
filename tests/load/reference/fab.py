"""Flask-AppBuilder out of the box: a plain ModelView on the same rows, 16 menu entries, nothing tuned.

Environment: REFERENCE_DB, path of the SQLite file. Administrator: admin / admin (made at the first start).
"""
import os

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import Column, Integer, String

COLUMNS = ["number", "name", "level", "status", "industry", "phone", "region", "owner"]
ENTRIES = 16


class Company(Model):
    """One row."""

    __tablename__ = "company"
    id = Column(Integer, primary_key=True)
    number, name = Column(String(32)), Column(String(120))
    level, status, industry = Column(String(40)), Column(String(40)), Column(String(40))
    phone, region, owner = Column(String(32)), Column(String(60)), Column(String(60))
    changed_at = Column(String(30))


def view(n: int) -> type:
    """A plain list of the table; each menu entry has one of its own."""
    return type(f"Company{n}View", (ModelView,), {
        "datamodel": SQLAInterface(Company), "route_base": f"/company{n}", "list_columns": COLUMNS, "page_size": 25,
        "base_order": ("id", "desc")})


def create_app() -> Flask:
    """The application with its views and its administrator."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="only-for-measuring", SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['REFERENCE_DB']}")
    db = get_sqla_class()()
    db.init_app(app)
    with app.app_context():
        builder = AppBuilder(app, db.session)
        shown = sum(child.name != "-" for entry in builder.menu.get_list() for child in entry.childs)
        for n in range(max(1, ENTRIES - shown)):
            builder.add_view(view(n), f"Companies {n}", category="Companies")
        if not builder.sm.find_user("admin"):
            builder.sm.add_user("admin", "A", "D", "admin@example.com", builder.sm.find_role("Admin"), "admin")
    return app


if __name__ == "__main__":
    create_app()
