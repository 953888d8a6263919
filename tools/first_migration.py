"""Makes app/migrations/versions/0001_part_1.py from the models. Used until the first release; afterwards schema
changes get revisions of their own (`flask --app run db revision --autogenerate`)."""
import os
import re
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "app" / "migrations" / "versions" / "0001_part_1.py"
INDEX = '''
    # the search index: FTS5 on SQLite, GIN on PostgreSQL
    from app.core.search.index import create
    create(op.get_bind())
'''


def main() -> None:
    """Autogenerate against an empty database, then add what autogenerate cannot see."""
    os.chdir(ROOT)
    os.environ["CRM_DATABASE_URL"] = "sqlite:///" + tempfile.mkdtemp() + "/empty.db"
    PLACE.unlink(missing_ok=True)
    from flask_migrate import revision

    from app import create_app
    with create_app().app_context():
        revision(directory="app/migrations", message="part 1", autogenerate=True, rev_id="0001")
    text = PLACE.read_text(encoding="utf-8")
    text = re.sub(r"    # ### .*\n", "", text)
    up, down = text.split("\n\ndef downgrade():\n")
    down = "    from app.core.search.index import drop\n    drop(op.get_bind())\n" + down
    text = up.rstrip() + "\n" + INDEX + "\n\ndef downgrade():\n" + down.rstrip() + "\n"
    PLACE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
