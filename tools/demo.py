"""`make demo`: the made-up company on its own database, then the server."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("CRM_DATABASE_URL", "sqlite:///instance/demo.db")


def main() -> None:
    """Fill an empty database, print the passwords, serve."""
    import run
    from app import cli, create_app
    app = create_app()
    with app.app_context():
        cli.get_ready()
        cli.fill_demo()
    run.main()


if __name__ == "__main__":
    main()
