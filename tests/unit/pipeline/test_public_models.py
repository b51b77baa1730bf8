"""Models as public projects write them: they compile, mypy included, and cross their flow's boundaries."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pgflow_gen.config import Config
from pgflow_gen.pipeline import BuildReport, build
from pgflow_runtime.testing import run_flow

MODELS = Path(__file__).resolve().parents[2] / "support" / "public_models"
NAMES = sorted(path.stem for path in MODELS.glob("*.py"))
INPUTS = {
    "attrs_game": "Player(name='a')",
    "chat": "{'messages': [{'role': 'user', 'content': None}]}",
    "dto": "Outer(inner=Inner(a=4))",
    "events": "Delivery(events=[Push(id='1', created='2024-01-01T00:00Z', ref='m'),"
    " Star(id='2', created='2024-01-01T00:00Z', type='star')])",
    "hydra_config": "Config('first')",
    "inherit": "Job('a', priority=1)",
    "msgspec_api": "Commit(sha='x', author=Author(name='me'))",
    "payments": "Payment(amount=Decimal('1.5'), method={'method': 'sepa', 'iban': 'x'})",
    "renamed": "Camel('a')",
    "shop": "Order('r', lines=[OrderLine('a')], status=OrderStatus.PAID, shipping=Address('s', 'c'))",
    "training": "TrainingArguments('out')",
    "trees": "Comment(text='a', replies=[Comment(text='b')])",
    "units": "{'sku': 'abc', 'steps': 3, 'even': 4}",
    "users": "UserCreate(email='a@b.c', password='long enough')",
    "articles": "Article(slug='a-b', title=' x ', tags=['b', 'a'])",
    "weather": "Coordinate(1.5, -2.0)",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, BuildReport]]:
    root = tmp_path_factory.mktemp("public").resolve()
    shutil.copytree(MODELS, root / "flows")
    (root / "pyproject.toml").write_text("[tool.mypy]\nstrict = true\n", encoding="utf-8")
    sys.path.insert(0, str(root))
    yield root, build(Config(root))
    sys.path.remove(str(root))
    for name in [name for name in sys.modules if name == "flows" or name.startswith("flows.")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles_without_a_word(name: str, project: tuple[Path, BuildReport]) -> None:
    told = [item for item in project[1].diagnostics if item.span.path == f"flows/{name}.py"]
    assert not told, [(item.code, str(item.span), item.message, item.help) for item in told]


def test_nothing_else_is_said(project: tuple[Path, BuildReport]) -> None:
    assert not project[1].diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_its_values_cross_every_boundary(
    name: str, project: tuple[Path, BuildReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project[0])
    names: dict[str, Any] = vars(importlib.import_module(f"flows.{name}"))
    flow = next(value for value in names.values() if type(value).__name__ == "Flow")
    given = eval(INPUTS.get(flow.slug, "None"), names)
    run = asyncio.run(run_flow(flow, given))
    assert run.status == "completed", run.error
