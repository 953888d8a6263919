"""Django's admin on the same rows, once without and once with the list filters of our own panel.

Environment: REFERENCE_DB, path of the SQLite file. Administrator: admin / admin (made by `set_up`).
"""
import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-measuring", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True, STATIC_URL="/static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["REFERENCE_DB"], "CONN_MAX_AGE": None}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages", "tests.load.reference"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}])
django.setup()

from django.contrib import admin  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402

COLUMNS = ["number", "name", "level", "status", "industry", "phone", "region", "owner"]


class Company(models.Model):
    """One row."""

    number, name = models.CharField(max_length=32), models.CharField(max_length=120)
    level, status, industry = (models.CharField(max_length=40) for _ in range(3))
    phone, region, owner = (models.CharField(max_length=60) for _ in range(3))
    changed_at = models.CharField(max_length=30)

    class Meta:
        app_label, db_table, managed = "reference", "company", False


class Filtered(Company):
    """The same rows, listed with filters."""

    class Meta:
        app_label, proxy = "reference", True


class CompanyAdmin(admin.ModelAdmin):
    """8 columns, 25 rows."""

    list_display, list_per_page, search_fields, ordering = COLUMNS, 25, ("name",), ("-id",)


class FilteredAdmin(CompanyAdmin):
    """The same with the filters that our own panel offers."""

    list_filter = ("level", "status", "industry", "region", "owner")


admin.site.register(Company, CompanyAdmin)
admin.site.register(Filtered, FilteredAdmin)
urlpatterns = [path("admin/", admin.site.urls)]
application = get_wsgi_application()


def set_up() -> None:
    """Django's own tables and the administrator."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", "admin@example.com", "admin")


if __name__ == "__main__":
    set_up()
