"""Settings, all from the environment or a `.env` file (contract: README). No secret has a default in code."""
import os
import secrets
from pathlib import Path

from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
load_dotenv(ROOT / ".env")


def _env(name: str, otherwise: str = "") -> str:
    return os.environ.get(f"CRM_{name}", otherwise).strip()


def _secret() -> str:
    """The key that signs sessions: given, or made on the first start and kept with mode 0600."""
    given = _env("SECRET_KEY")
    if given:
        if len(given) < 32 or len(set(given)) < 8:
            raise SystemExit("CRM_SECRET_KEY is too weak: give at least 32 random characters, or leave it out.")
        return given
    INSTANCE.mkdir(exist_ok=True)
    place = INSTANCE / "secret_key"
    if not place.exists():
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return place.read_text().strip()


def _database(url: str) -> str:
    """SQLite paths are relative to the project; PostgreSQL goes through psycopg 3."""
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////") and ":memory:" not in url:
        path = ROOT / url.removeprefix("sqlite:///")
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{path}"
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            return "postgresql+psycopg://" + url.removeprefix(old)
    return url


APP_NAME = "快客 CRM"
SECRET_KEY = _secret()
SQLALCHEMY_DATABASE_URI = _database(_env("DATABASE_URL", "sqlite:///instance/crm.db"))
SQLALCHEMY_ENGINE_OPTIONS: dict = {"pool_pre_ping": True, "pool_size": 20, "max_overflow": 20} \
    if SQLALCHEMY_DATABASE_URI.startswith("postgresql") else {}
CRM_REDIS_URL = _env("REDIS_URL")
CRM_TIMEZONE = _env("TIMEZONE", "Asia/Shanghai")
CRM_UPLOAD_DIR = str(Path(_env("UPLOAD_DIR") or INSTANCE / "uploads").resolve())
CRM_BEHIND_PROXY = _env("BEHIND_PROXY").lower() in ("1", "true", "yes")
CRM_LOG_LEVEL = _env("LOG_LEVEL", "INFO").upper()
CRM_HASH = "scrypt"

LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "us", "name": "English"}}
BABEL_DEFAULT_LOCALE = _env("LANGUAGE", "zh")
BABEL_DEFAULT_TIMEZONE = CRM_TIMEZONE
BABEL_TRANSLATION_DIRECTORIES = str(ROOT / "translations")

AUTH_TYPE = 1  # FAB: accounts in the database
AUTH_ROLE_PUBLIC = "Public"
FAB_CREATE_DB = False  # Alembic makes the tables
FAB_ADD_SECURITY_API = False
FAB_API_SWAGGER_UI = False
MAX_CONTENT_LENGTH = 32 * 1024 * 1024
MAX_FORM_MEMORY_SIZE = 1024 * 1024
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CRM_BEHIND_PROXY
PERMANENT_SESSION_LIFETIME = 12 * 3600
CRM_SESSION_LIMIT = 12 * 3600  # seconds since the login
CRM_IDLE_LIMIT = 2 * 3600  # seconds without a request
WTF_CSRF_TIME_LIMIT = None  # as long as the session
RATELIMIT_STORAGE_URI = CRM_REDIS_URL or "memory://"
RATELIMIT_ENABLED = True
RATELIMIT_SWALLOW_ERRORS = True  # Redis away: no limit rather than no login
RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = bool(CRM_REDIS_URL)
