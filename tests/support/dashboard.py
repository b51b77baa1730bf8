"""``pgflow-gen dashboard`` as a process of its own, asked over HTTP as a browser would."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.project import Project, clean_environment
from tests.support.wait import eventually

VOID = {"meta", "link", "input", "br"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> Page:
        return Page(self.text)

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Page(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the text of it all."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.open: list[str] = []
        self.inner: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
            self.inner.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"
        for tag in set(self.open):
            self.inner[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> list[str]:
        return [a["href"] for a in self.all("a")]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if attributes.get("id")]


class Dashboard:
    """A running dashboard."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        def probe() -> int:
            found = re.search(r"dashboard: http://\S+:(\d+)/", self.log)
            assert found or self.process.poll() is None, self.log
            return int(found[1]) if found else 0

        return eventually(probe)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, redirects not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Host": f"localhost:{self.port}", "Accept": "text/html", **(headers or {})}
        body = None
        if form is not None:
            method, body = "POST", urlencode(form, errors="surrogatepass").encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        cookies = SimpleCookie(response.headers.get("set-cookie", ""))
        return Answer(response.status, found, text, {name: item.value for name, item in cookies.items()})

    def page(self, path: str) -> Page:
        """A page that must be there."""
        answer = self.ask(path)
        assert answer.status == 200, f"{path}: {answer.status}\n{answer.text[-2000:]}\n{self.log}"
        return answer.page

    def stop(self, number: signal.Signals = signal.SIGINT, timeout: float = 20) -> int:
        """Ask it to end; returns the exit code. A traceback in its log is a failure."""
        self.process.send_signal(number)
        code = self.process.wait(timeout)
        assert "Traceback" not in self.log, self.log
        return code


@contextmanager
def running(
    project: Project, dsn: str, folder: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[Dashboard]:
    """A dashboard on any free port, killed at the end if the test has not ended it."""
    log = folder / f"dashboard-{len(list(folder.glob('dashboard-*')))}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "pgflow_gen", "dashboard", "--dsn", dsn, "--port", "0", *options],
            cwd=project.root,
            env={**clean_environment(), **(env or {})},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    dashboard = Dashboard(process, log)
    try:
        assert dashboard.port
        yield dashboard
        assert "Traceback" not in dashboard.log, dashboard.log
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
