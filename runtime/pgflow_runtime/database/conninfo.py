"""Connection strings: read strictly, and never repeated where a password may be part of what is wrong.

libpq quotes what it cannot read, and takes a raw "@" or "/" in a password for the end of it: what follows
would be printed as the name of a host. So such strings are refused before libpq sees them.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from pgflow_runtime.errors import InvalidDsn
from pgflow_shared.text import closest

SCHEMES = ("postgresql", "postgres")
_ENCODE = "in a user or password write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23 and % as %25"
_QUOTE = "put a value with blanks or quotes into single quotes: password='two words'; drop other tools' keys"
_PORT = re.compile(r"[^:]*(:[\d,]*([^:]*:\d*)*)?")
"""Without a user, what stands after a colon may still be a password: of who has forgotten the host."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHERS = {
    "schema": "Prisma",
    "pgbouncer": "Prisma",
    "connection_limit": "Prisma",
    "pool_timeout": "Prisma",
    "socket_timeout": "Prisma",
    "sslaccept": "Prisma",
    "sslidentity": "Prisma",
    "statement_cache_size": "Prisma and asyncpg",
    "prepared_statement_cache_size": "SQLAlchemy",
    "server_settings": "asyncpg",
    "command_timeout": "asyncpg",
    "pool_size": "SQLAlchemy and Ecto",
    "max_overflow": "SQLAlchemy",
    "currentSchema": "JDBC",
    "ApplicationName": "JDBC",
    "prepareThreshold": "JDBC",
    "loginTimeout": "JDBC",
    "socketTimeout": "JDBC",
    "uselibpqcompat": "node-postgres",
    "supa": "Supabase",
    "workaround": "Supabase",
    "pool": "Rails",
    "pool_max_conns": "pgx",
    "default_query_exec_mode": "pgx",
}
"""Parameters that other tools put into such URLs, by the tool."""
_INSTEAD = {"ssl": "sslmode=require", "ApplicationName": "application_name", "encoding": "client_encoding"}


def parse(text: str, source: str) -> dict[str, str | int | None]:
    """The parts of a URL or key=value string; ``source`` says in messages where it comes from.

    Raises InvalidDsn.
    """
    is_url = "://" in text
    if text and not is_url and "=" not in text:  # a password alone, perhaps
        raise InvalidDsn(f"{source} is neither a URL nor key=value pairs")
    if is_url:
        text = _checked_url(text, source)
    try:
        parts: dict[str, str | int | None] = {**conninfo_to_dict(text)}
    except ProgrammingError as error:
        raise _unreadable(text, source, str(error), is_url=is_url) from None
    if not re.fullmatch(r"(\d*,)*\d*", str(parts.get("port") or "")):
        raise InvalidDsn(f"{source} has a port that is no number")
    mode = parts.get("sslmode")
    if mode is not None and mode not in _SSL_MODES:
        guess = "require" if mode == "no-verify" else closest(str(mode).lower(), _SSL_MODES) or "require"
        raise InvalidDsn(
            f"{source}: sslmode={mode} is none of {', '.join(_SSL_MODES)}",
            help=f"did you mean sslmode={guess}?",
        )
    return parts


def _checked_url(text: str, source: str) -> str:
    """The URL as libpq knows it, after a look at what it would misread."""
    scheme, rest = text.split("://", 1)
    base = scheme.partition("+")[0].lower()
    if base.startswith("jdbc:"):
        raise InvalidDsn(
            f"{source} is a JDBC URL",
            help="drop jdbc: and give the user before the host: postgresql://user:password@host/database",
        )
    if base not in SCHEMES:
        shown = base if re.fullmatch(r"[a-z][a-z0-9.-]{0,30}", base) else "strange"
        raise InvalidDsn(f"{source} is a {shown}:// URL; pgflow needs PostgreSQL")
    _check_user(rest, source)
    _check_parameters(rest.partition("?")[2], source)
    return f"postgresql://{rest}"


def _check_user(rest: str, source: str) -> None:
    """Refuse raw characters in user and password that end them too early."""
    place, _, query = rest.partition("?")
    user, at, _ = place.rpartition("@")
    wrong = next((sign for sign in "@/" if sign in user), None) if at else None
    if not at and "@" in query:
        names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        wrong = None if names <= _known() | _OTHERS.keys() else "?"
    if not at and wrong is None and not _PORT.fullmatch(place.partition("/")[0].rpartition("]")[2]):
        raise InvalidDsn(f"{source} has a port that is no number")
    if wrong is not None:
        raise InvalidDsn(f"{source} has a raw {wrong} in its user or password", help=_ENCODE)
    if re.search(r"%(?![0-9A-Fa-f]{2})", user):
        raise InvalidDsn(f"{source} has a raw % in its user or password", help=_ENCODE)


def _check_parameters(query: str, source: str) -> None:
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    for name in names:
        refusal = _parameter(name)
        if refusal is not None and ("password" in names or "@" in query) and name not in _OTHERS:
            refusal = "it has parameters that cannot be read", _ENCODE  # the rest of a password, perhaps
        if refusal is not None:
            raise InvalidDsn(f"{source}: {refusal[0]}", help=refusal[1])


def _known() -> set[str]:
    """libpq's parameters, and ssl, which it takes for sslmode=require in URLs."""
    return {"ssl", *(item.keyword.decode() for item in pq.Conninfo.get_defaults())}


def _parameter(name: str) -> tuple[str, str] | None:
    """What is wrong with a parameter's name, and what to do; None for those of PostgreSQL."""
    known = _known()
    if name in known:
        return None
    if name in _OTHERS:
        instead = f", or write {_INSTEAD[name]}" if name in _INSTEAD else ""
        return f"{name} is a parameter of {_OTHERS[name]}, not of PostgreSQL", f"drop {name}=...{instead}"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,40}", name):
        return "it has parameters that cannot be read", _ENCODE
    guess = _INSTEAD.get(name) or closest(name, known)
    wrong = f"{name} is no parameter of PostgreSQL's connections"
    return wrong, f"drop {name}=...{f', or write {guess}' if guess else ''}"


def _unreadable(text: str, source: str, reason: str, *, is_url: bool) -> InvalidDsn:
    """Without libpq's words wherever they may quote a secret."""
    if is_url:
        return InvalidDsn(f"{source} is not a URL that can be read", help=_ENCODE)
    named = re.fullmatch(r'invalid connection option "(\w+)"\s*', reason)
    has_secret = "@" in text or "pass" in text.lower()
    refusal = _parameter(named[1]) if named else None
    if named and refusal is not None and (named[1] in _OTHERS or not has_secret):
        return InvalidDsn(f"{source}: {refusal[0]}", help=refusal[1])
    if has_secret:
        return InvalidDsn(f"{source} is not a connection string that can be read", help=_QUOTE)
    return InvalidDsn(f"{source} cannot be read: {reason.strip()}")


def without_secrets(text: str, conninfo: str | None) -> str:
    """A message of libpq or the server without the passwords of the connection it is about."""
    parts = conninfo_to_dict(conninfo) if conninfo else {}
    for name in ("password", "sslpassword"):
        secret = str(parts.get(name) or "")
        quoted = secret.replace("\\", "\\\\").replace("'", "\\'")
        for form in {secret, quoted, unquote(secret)} - {""}:
            text = text.replace(form, "***")
    return text
