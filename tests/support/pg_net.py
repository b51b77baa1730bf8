"""pg_net's other half: what ``net.http_post`` of the stubs has put into its table is really posted."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from tests.support.core import connect


@dataclass(frozen=True)
class Posted:
    url: str
    status: int
    text: str


def post_requests(dsn: str) -> list[Posted]:
    """Post what waits, each once, and keep the answers as pg_net does."""
    with connect(dsn) as connection:
        connection.execute(
            "create table if not exists net._http_response (id bigint, status_code int, content text)"
        )
        rows = connection.execute(
            "select id, url, body, headers from net.requests r"
            " where not exists (select from net._http_response p where p.id = r.id) order by id"
        ).fetchall()
        done = []
        for number, url, body, headers in rows:
            posted = post(url, headers, json.dumps(body))
            connection.execute(
                "insert into net._http_response values (%s, %s, %s)", [number, posted.status, posted.text]
            )
            done.append(posted)
        return done


def post(url: str, headers: dict[str, str] | None = None, body: str = "{}") -> Posted:
    """One request; status 0: nobody answers."""
    request = urllib.request.Request(url, body.encode(), dict(headers or {}), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return Posted(url, reply.status, reply.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Posted(url, refusal.code, refusal.read().decode())
    except OSError as error:
        return Posted(url, 0, str(error))
