"""Settings: one database, for Django and for the flows alike."""

import os

from psycopg.conninfo import conninfo_to_dict

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for development")
DEBUG = "DJANGO_SECRET_KEY" not in os.environ
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DSN = os.environ.get("PGFLOW_DSN", "dbname=shop")
_found = conninfo_to_dict(DSN)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _found.get("dbname"),
        **{key.upper(): _found[key] for key in ("host", "port", "user", "password") if key in _found},
    }
}
