"""Settings, all from the environment or a `.env` file (contract: README). No secret has a default in code."""
import math
import os
import re
import secrets
from pathlib import Path

from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
load_dotenv(ROOT / ".env")


def _env(name: str, otherwise: str = "") -> str:
    return os.environ.get(f"CRM_{name}", otherwise).strip()


def _weak(key: str) -> bool:
    """Too short, too even (under 3 bits a character, as 32 random hex digits have), made of words, or used for something else."""
    if len(key) < 32:
        return True
    bits = -sum((n := key.count(c)) / len(key) * math.log2(n / len(key)) for c in set(key))
    others = [_env("ADMIN_PASSWORD"), *re.split(r"[:/@?&=]", _env("DATABASE_URL") + "@" + _env("REDIS_URL"))]
    shared = [word for word in others if len(word) > 7]
    return bits < 3 or bool(re.search("secret|change|password|example", key, re.I)) or any(word in key for word in shared)


def _secret() -> str:
    """The key that signs sessions: given, or made on the first start and kept with mode 0600."""
    given = _env("SECRET_KEY")
    if given:
        if _weak(given):
            raise SystemExit("CRM_SECRET_KEY is too weak or shared: give at least 32 random characters that are used nowhere else, "
                             "or leave it out.")
        return given
    INSTANCE.mkdir(exist_ok=True)
    place = INSTANCE / "secret_key"
    if not place.exists():
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    if os.name == "posix" and place.stat().st_mode & 0o077:
        raise SystemExit(f"{place} can be read by others: chmod 600 it.")
    return place.read_text().strip()


def database(url: str) -> str:
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
SQLALCHEMY_DATABASE_URI = database(_env("DATABASE_URL", "sqlite:///instance/crm.db"))
SQLALCHEMY_ENGINE_OPTIONS: dict = {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 12, "pool_recycle": 1800} \
    if SQLALCHEMY_DATABASE_URI.startswith("postgresql") else {}
CRM_REDIS_URL = _env("REDIS_URL")
CRM_TIMEZONE = _env("TIMEZONE", "Asia/Shanghai")
CRM_UPLOAD_DIR = str(Path(_env("UPLOAD_DIR") or INSTANCE / "uploads").resolve())
CRM_BACKUP_DIR = str(Path(_env("BACKUP_DIR") or Path(CRM_UPLOAD_DIR).parent / "backups").resolve())
CRM_BEHIND_PROXY = _env("BEHIND_PROXY").lower() in ("1", "true", "yes")
CRM_LOG_LEVEL = _env("LOG_LEVEL", "INFO").upper()
CRM_LOG_FORMAT = _env("LOG_FORMAT", "text").lower()  # text or json
CRM_SLOW_QUERY = float(_env("SLOW_QUERY", "500"))  # milliseconds from which a statement is logged; 0: never
CRM_METRICS_TOKEN = _env("METRICS_TOKEN")  # opens /metrics; empty: to this machine alone
CRM_SMTP_URL = _env("SMTP_URL")  # smtps://user:password@host:465 or smtp://…:587; empty: no e-mail goes out
CRM_MAIL_FROM = _env("MAIL_FROM", "crm@localhost")
CRM_IMAP_URL = _env("IMAP_URL")  # imaps://user:password@host/INBOX; empty: none comes in
CRM_READ_ONLY = _env("READ_ONLY").lower() in ("1", "true", "yes")
CRM_API_RATE = _env("API_RATE", "600 per minute")  # requests of one access token
CRM_HASH = "scrypt"

LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "us", "name": "English"}}
BABEL_DEFAULT_LOCALE = _env("LANGUAGE", "zh")
BABEL_DEFAULT_TIMEZONE = CRM_TIMEZONE
BABEL_TRANSLATION_DIRECTORIES = str(ROOT / "translations")

CRM_LDAP_URL = _env("LDAP_URL")  # ldaps://directory.example; empty: no directory
CRM_LDAP_START_TLS = _env("LDAP_START_TLS").lower() in ("1", "true", "yes")
CRM_LDAP_CA = _env("LDAP_CA")  # file of the authority that the directory's certificate must come from
CRM_LDAP_BIND_DN, CRM_LDAP_BIND_PASSWORD = _env("LDAP_BIND_DN"), _env("LDAP_BIND_PASSWORD")  # our own account, to look people up
CRM_LDAP_BASE, CRM_LDAP_FILTER = _env("LDAP_BASE"), _env("LDAP_FILTER", "(uid={name})")
CRM_OIDC_ISSUER = _env("OIDC_ISSUER")  # https://login.example; empty: no provider
CRM_OIDC_CLIENT_ID, CRM_OIDC_CLIENT_SECRET = _env("OIDC_CLIENT_ID"), _env("OIDC_CLIENT_SECRET")
CRM_DEFAULT_ROLE = _env("DEFAULT_ROLE", "sales")  # key of the role of people who come from there

AUTH_TYPE = 1  # FAB: accounts in the database
AUTH_ROLE_PUBLIC = "Public"
FAB_CREATE_DB = False  # Alembic makes the tables
FAB_ADD_SECURITY_API = False
FAB_API_SWAGGER_UI = False
CRM_PATIENCE = float(_env("PATIENCE", "30"))  # seconds that a request's statements may take
MAX_CONTENT_LENGTH = 32 * 1024 * 1024
MAX_FORM_MEMORY_SIZE = 1024 * 1024
MAX_FORM_PARTS = 10_000  # a document of many lines
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CRM_BEHIND_PROXY
SESSION_COOKIE_NAME = "__Host-crm" if CRM_BEHIND_PROXY else "crm_session"
PERMANENT_SESSION_LIFETIME = 24 * 3600  # the parameters of the sessions are at most that
SESSION_REFRESH_EACH_REQUEST = False  # the cookie goes out when it changes, at least once a minute of work
WTF_CSRF_TIME_LIMIT = None  # as long as the session
RATELIMIT_STORAGE_URI = CRM_REDIS_URL or "memory://"
RATELIMIT_ENABLED = True
RATELIMIT_SWALLOW_ERRORS = True  # Redis away: no limit rather than no login
RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = bool(CRM_REDIS_URL)
