"""The limit: Flask, sqlite3 and one Jinja template. No login, no ORM, no scope: what this machine can do at all.

Environment: REFERENCE_DB, path of the SQLite file.
"""
import os
import sqlite3

from flask import Flask, render_template, request

COLUMNS = ["number", "name", "level", "status", "industry", "phone", "region", "owner"]
MENU = [f"Entry {n}" for n in range(1, 17)]
app = Flask(__name__)
line = sqlite3.connect(os.environ["REFERENCE_DB"], check_same_thread=False)


@app.get("/company/list/")
def companies():
    """25 rows, 8 columns, the total: two statements."""
    page = int(request.args.get("page", "0"))
    rows = line.execute(f"SELECT id, {', '.join(COLUMNS)} FROM company ORDER BY id DESC LIMIT 25 OFFSET ?",  # noqa: S608
                        (page * 25,)).fetchall()
    total = line.execute("SELECT count(*) FROM company").fetchone()[0]
    return render_template("limit.html", rows=rows, columns=COLUMNS, menu=MENU, total=total)
