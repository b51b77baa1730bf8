"""examples/deploy: each file by its published schema or linter, and its commands run in their order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import psycopg
import pytest
import yaml

from tests.acceptance.conftest import LeanEnvironment
from tests.support.background import background
from tests.support.project import REPOSITORY, clean_environment

DEPLOY = REPOSITORY / "examples" / "deploy"
SCHEMAS = Path(__file__).with_name("schemas")
ORDER = '{"customer": "ann", "lines": [{"sku": "tea", "quantity": 2}, {"sku": "mug", "quantity": 1}]}'
TOKEN = "a-token-for-tests-only-0123456789"
RECEIPT = {"receipt": {"customer": "ann", "cents": 1800}}


def schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return document


def faults(schema: dict[str, Any], document: object) -> list[str]:
    validator = jsonschema_rs.validator_for(schema)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)]


def of_kind(kind: str) -> dict[str, Any]:
    document = schema("kubernetes-1.32.json")
    return {"definitions": document["definitions"], "$ref": f"#/definitions/{document['kinds'][kind]}"}


def manifests(*names: str) -> list[dict[str, Any]]:
    """The objects of Kubernetes files, in order."""
    texts = [(DEPLOY / "kubernetes" / f"{name}.yaml").read_text(encoding="utf-8") for name in names]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


# -- the files


def test_every_file_has_a_judge() -> None:
    names = {path.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("*") if path.is_file()}
    names = {name for name in names if not re.search(r"(^|/)(\.pgflow|__pycache__|generated|flows)/", name)}
    kubernetes = {f"kubernetes/{name}.yaml" for name in ("migrate", "worker", "batch", "autoscale")}
    systemd = {name for name in names if re.fullmatch(r"systemd/pgflow-[a-z@-]+\.(service|timer)", name)}
    others = {"Dockerfile", ".dockerignore", "compose.yaml", "README.md", "pyproject.toml"}
    assert names == others | kubernetes | systemd
    assert len(systemd) == 4


def test_compose_file_is_what_the_specification_says() -> None:
    assert faults(schema("compose-spec.json"), compose()) == []
    assert faults(schema("compose-spec.json"), {**compose(), "service": {}}) != []


@pytest.mark.parametrize("name", ["migrate", "worker", "batch"])
def test_kubernetes_files_are_what_its_schemas_say(name: str) -> None:
    for document in manifests(name):
        assert faults(of_kind(document["kind"]), document) == []
        assert faults(of_kind(document["kind"]), {**document, "specs": {}}) != []


def test_the_scaled_object_is_what_kedas_schema_says_and_asks_for_what_there_is(database_dsn: str) -> None:
    (document,) = manifests("autoscale")
    assert faults(schema("keda-scaledobject.json"), document) == []
    document["spec"]["maxReplicas"] = 3
    assert faults(schema("keda-scaledobject.json"), document) != []
    (trigger,) = document["spec"]["triggers"]
    deployment, _ = manifests("worker")
    assert document["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert trigger["metadata"]["connectionFromEnv"] in [each["name"] for each in container["env"]]
    with psycopg.connect(database_dsn) as connection:
        connection.execute("select pgflow.create_flow('order'), pgflow.add_step('order', 'a')")
        connection.execute("select pgflow.start_flow('order', '1')")
        assert connection.execute(trigger["metadata"]["query"]).fetchone() == (1,)


def test_the_dockerfile_passes_its_linter() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed: the Dockerfile is NOT CHECKED")
    done = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_systemd_accepts_its_units(lean: LeanEnvironment, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here: the units are NOT CHECKED")
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/order/venv/bin/pgflow-gen", lean.command)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    (tmp_path / "pgflow-worker@1.service").symlink_to("pgflow-worker@.service")
    units = [path for path in tmp_path.iterdir() if "@." not in path.name]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "pgflow" in line]
    assert ours == []


def test_nobody_waits_shorter_than_a_worker_takes_to_stop() -> None:
    deployment, _ = manifests("worker")
    (batch,) = manifests("batch")
    pods = [deployment["spec"]["template"]["spec"], batch["spec"]["jobTemplate"]["spec"]["template"]["spec"]]
    unit = (DEPLOY / "systemd" / "pgflow-worker@.service").read_text(encoding="utf-8")
    seconds = [pod["terminationGracePeriodSeconds"] for pod in pods]
    seconds.append(int(compose()["services"]["worker"]["stop_grace_period"].removesuffix("s")))
    seconds.append(int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]))  # type: ignore[index]
    assert min(seconds) > 30 + 5


# -- the commands


@dataclass
class Host:
    """Runs what containers would: their commands, with their environment, in a copy of the image's folder."""

    lean: LeanEnvironment
    folder: Path
    count: int = 0

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return clean_environment() | {"PATH": os.defpath} | dict(variables)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Containers have ports of their own; here all are those of one host."""
        return [self.lean.command, *(re.sub(r"(port=)\d+", r"\g<1>0", argument) for argument in arguments)]

    def job(self, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
        done = subprocess.run(
            self.command(arguments), cwd=self.folder, env=self.environment(variables),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def service(self, arguments: Sequence[str], variables: Mapping[str, str]) -> Iterator[re.Match[str]]:
        self.count += 1
        with background(
            self.command(arguments),
            cwd=self.folder,
            environment=self.environment(variables),
            log=self.folder / f"service-{self.count}.log",
            ready=r"serving order|http://[\d.]+:\d+/?",
        ) as ready:
            yield ready


@pytest.fixture
def host(lean: LeanEnvironment, tmp_path: Path) -> Host:
    folder = tmp_path / "app"
    ignore = shutil.ignore_patterns("__pycache__", ".pgflow")
    for name in ("flows", "generated"):
        shutil.copytree(DEPLOY / name, folder / name, ignore=ignore)
    shutil.copy(DEPLOY / "pyproject.toml", folder)
    return Host(lean, folder)


def test_what_the_image_builds_is_what_is_committed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "build", "--check", "--no-cache"],
        cwd=DEPLOY, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _in_order(services: Mapping[str, Any]) -> list[str]:
    """Services after those they depend on."""
    done: list[str] = []
    while len(done) < len(services):
        ready = [
            name
            for name, service in services.items()
            if name not in done and all(need in done for need in service.get("depends_on", ()))
        ]
        assert ready, "services wait for each other"
        done += ready
    return done


def test_composes_commands_in_their_order_end_with_a_run_completed(
    host: Host, bare_database_dsn: str, tmp_path: Path
) -> None:
    services = compose()["services"]
    secret = tmp_path / "pgflow_dsn"
    secret.write_text(f"{bare_database_dsn}\n", encoding="utf-8")
    order = _in_order(services)
    assert order == ["postgres", "migrate", "worker", "dashboard"]
    with ExitStack() as stack:
        for name in order[1:]:  # the server is there
            service = services[name]
            variables = {
                key: value.replace("/run/secrets/pgflow_dsn", str(secret))
                for key, value in service["environment"].items()
            }
            assert variables["PGFLOW_DSN_FILE"] == str(secret)
            if service.get("restart") == "no":
                host.job(service["command"], variables)
            elif name != "dashboard":  # an extra, which the lean environment of these tests has not
                for _ in range(service["deploy"]["replicas"]):
                    stack.enter_context(host.service(service["command"], variables))
        printed = host.job(["start", "order", ORDER, "--wait"], {"PGFLOW_DSN_FILE": str(secret)})
        assert json.loads(printed) == RECEIPT


def test_the_dashboards_command_of_compose_serves_behind_its_token(
    bare_database_dsn: str, host: Host, tmp_path: Path
) -> None:
    host.job(["migrate"], {"PGFLOW_DSN": bare_database_dsn})
    service = compose()["services"]["dashboard"]
    (published,) = service["ports"]
    assert published.startswith("127.0.0.1:")
    assert service["environment"]["PGFLOW_DASHBOARD_TOKEN"].startswith("${PGFLOW_DASHBOARD_TOKEN:?")
    arguments = [re.sub(r"(--port=)\d+", r"\g<1>0", argument) for argument in service["command"]]
    with background(
        [sys.executable, "-m", "pgflow_command", *arguments],
        cwd=host.folder,
        environment=clean_environment() | {"PGFLOW_DSN": bare_database_dsn, "PGFLOW_DASHBOARD_TOKEN": TOKEN},
        log=tmp_path / "dashboard.log",
        ready=r"http://\S+:(\d+)",
    ) as ready:
        import httpx

        answer = httpx.get(f"http://127.0.0.1:{ready[1]}/", trust_env=False, follow_redirects=True)
        assert "/login" in str(answer.url) or answer.status_code == 401


def _container(document: Mapping[str, Any]) -> dict[str, Any]:
    spec = document["spec"]
    pod = spec.get("jobTemplate", {}).get("spec", spec)["template"]["spec"]
    (container,) = pod["containers"]
    found: dict[str, Any] = container
    return found


def test_kubernetes_commands_in_their_order_end_with_a_run_completed(
    host: Host, bare_database_dsn: str
) -> None:
    secrets = {"order-database": {"dsn": bare_database_dsn}}

    def variables(container: Mapping[str, Any]) -> dict[str, str]:
        references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}
        return {name: secrets[found["name"]][found["key"]] for name, found in references.items()}

    (migrate,) = manifests("migrate")
    job = _container(migrate)
    host.job(job["args"], variables(job))
    deployment, _ = manifests("worker")
    worker = _container(deployment)
    with ExitStack() as stack:
        for _ in range(deployment["spec"]["replicas"]):
            stack.enter_context(host.service(worker["args"], variables(worker)))
        started = host.job(["start", "order", ORDER, "--wait"], variables(worker))
        assert json.loads(started) == RECEIPT
    run = host.job(["start", "order", ORDER], variables(worker)).strip()
    (batch,) = manifests("batch")
    arguments = [argument.replace("idle=10", "idle=1") for argument in _container(batch)["args"]]
    host.job(arguments, variables(_container(batch)))
    shown = json.loads(host.job(["runs", "show", run, "--json"], variables(worker)))
    assert shown["run"]["status"] == "completed"


def test_probes_ask_for_what_there_is() -> None:
    deployment, _ = manifests("worker")
    container = _container(deployment)
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/healthz"}
