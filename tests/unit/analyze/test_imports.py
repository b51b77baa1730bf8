"""Types are found wherever the project defines them, and names that lead nowhere are explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_project

MODELS = """
from typing import TypedDict

class Page(TypedDict):
    url: str

class Link(TypedDict):
    page: Page
"""


def flow_with(imports: str, annotation: str) -> str:
    return f"""from __future__ import annotations
from typing import Literal
from pgflow_runtime import Flow
{imports}
crawl = Flow[None]("crawl")

@crawl.step
def one() -> None: ...

@crawl.step
def two(one: {annotation}) -> None: ...
"""


def read_import(root: Path, imports: str, annotation: str, files: dict[str, str], **options: str) -> Read:
    return read_project(root, {"flows/crawl.py": flow_with(imports, annotation), **files})


def origin(read: Read) -> str:
    """``module.name`` of the record that ``two`` takes."""
    key = getattr(read.step("two").params[0].type, "key", None)
    assert key is not None, read.report()
    return f"{key.module}.{key.name}"


FOUND = [
    ("from flows.models import Page", "Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from .models import Page", "Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from . import models", "models.Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from . import models as m", "m.Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("import flows.models", "flows.models.Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("import flows.models as m", "m.Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from flows.models import Page as P", "P", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from flows.models import *", "Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from shared import Page", "Page",
     {"shared/__init__.py": "from .deep import Page", "shared/deep.py": MODELS}, "shared.deep.Page"),
    ("from shared import Page", "Page",
     {"shared/__init__.py": "from .deep import *", "shared/deep.py": MODELS}, "shared.deep.Page"),
    ("from shared import deep", "deep.Page",
     {"shared/__init__.py": "from . import deep", "shared/deep.py": MODELS}, "shared.deep.Page"),
    ("import shared", "shared.deep.Page",
     {"shared/__init__.py": "import shared.deep", "shared/deep.py": MODELS}, "shared.deep.Page"),
    ("from shared.a.b import Page", "Page", {"shared/a/b.py": MODELS}, "shared.a.b.Page"),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from flows.models import Page", "Page",
     {"flows/models.py": MODELS}, "flows.models.Page"),
    ("import typing as t\nif t.TYPE_CHECKING:\n    from flows.models import Page\nelse:\n    Page = dict",
     "Page", {"flows/models.py": MODELS}, "flows.models.Page"),
    ("try:\n    from missing import Page\nexcept ImportError:\n    from flows.models import Page", "Page",
     {"flows/models.py": MODELS}, "flows.models.Page"),
    ("try:\n    from flows.gone import Page\nexcept ImportError:\n    from flows.models import Page", "Page",
     {"flows/models.py": MODELS}, "flows.models.Page"),
    ("try:\n    from flows.models import Page\nexcept ImportError:\n    Page = None", "Page",
     {"flows/models.py": MODELS}, "flows.models.Page"),
    ("from flows.models import Renamed", "Renamed",
     {"flows/models.py": MODELS + "\nRenamed = Page\n"}, "flows.models.Page"),
    ("from flows.a import Page", "Page",
     {"flows/a.py": "from flows.b import *\n",
      "flows/b.py": "from flows.a import *\nfrom flows.models import *\n",
      "flows/models.py": MODELS}, "flows.models.Page"),
    ("from flows.models import *", "Page",
     {"flows/models.py": "__all__ = ['Page']\n" + MODELS}, "flows.models.Page"),
    ("from flows.models import *", "Page",
     {"flows/models.py": "__all__ = ['Link']\n__all__.extend(['Page'])\n" + MODELS}, "flows.models.Page"),
    ("from types_ import Page\nfrom email_ import x", "Page", {"types_.py": MODELS}, "types_.Page"),
]  # fmt: skip


@pytest.mark.parametrize(("imports", "annotation", "files", "expected"), FOUND)
def test_found(tmp_path: Path, imports: str, annotation: str, files: dict[str, str], expected: str) -> None:
    read = read_import(tmp_path, imports, annotation, files).clean()
    assert origin(read) == expected


def test_a_cycle_between_modules(tmp_path: Path) -> None:
    read = read_import(
        tmp_path,
        "from flows.a import A",
        "A",
        {
            "flows/a.py": "import typing as t\nfrom flows.b import B\nclass A(t.TypedDict):\n    b: 'B'\n",
            "flows/b.py": "import typing as t\nfrom flows.a import A\nclass B(t.TypedDict):\n    a: 'A'\n",
        },
    ).clean()
    assert [str(key) for key in read.analyzed.analysis.types.records] == ["A", "B"]


def test_source_roots_in_order(tmp_path: Path) -> None:
    read = read_project(
        tmp_path,
        {
            "flows/crawl.py": flow_with("from models import Page", "Page"),
            "lib/models.py": MODELS,
            "more/models.py": "",
        },
        src=("lib", "more", "."),
    ).clean()
    assert origin(read) == "models.Page"
    assert read.analyzed.module_paths["models"] == "lib/models.py"


def test_a_module_is_named_after_the_first_source_root_that_holds_it(tmp_path: Path) -> None:
    files = {"flows/crawl.py": flow_with("from models import Page", "Page"), "lib/models.py": MODELS}
    read = read_project(tmp_path, files, src=(".", "lib")).clean()
    assert origin(read) == "lib.models.Page"


MISSING = [
    ("", "Page", {}, "'Page' is not defined in flows/crawl.py", "import it"),
    ("from flows.models import Pgae", "Pgae", {"flows/models.py": MODELS}, "not defined in flows/models.py",
     "did you mean 'Page'?"),
    ("from flows.modles import Page", "Page", {"flows/models.py": MODELS}, "no module 'flows.modles'",
     "did you mean 'models'?"),
    ("from requests import Response", "list[Response]", {}, "module 'requests'", "declare a TypedDict"),
    ("import requests", "requests.Response", {}, "module 'requests'", "src"),
    ("from sqlalchemy.orm import Thing\nclass Row(Thing): ...", "Row", {}, "module 'sqlalchemy.orm'", "src"),
    ("from ....beyond import Page", "Page", {}, "climbs above", "import it"),
    ("from flows.broken import Page", "Page", {"flows/broken.py": "def ("}, "cannot be read", "mend"),
    ("from flows.models import *", "Link", {"flows/models.py": "__all__ = ['Page']\n" + MODELS},
     "not defined in flows/crawl.py", "import it"),
    ("from flows.models import *", "_Hidden", {"flows/models.py": "class _Hidden: ...\n"},
     "not defined in flows/crawl.py", "import it"),
    ("from flows.a import X", "X",
     {"flows/a.py": "from flows.b import X", "flows/b.py": "from flows.a import X"},
     "circle", "import it"),
    ("", "Literal[Pgae]", {}, "'Pgae' is not defined", "import it"),
    ("from pgflow_runtime import JsonVal", "JsonVal", {}, "pgflow_runtime has no name", "'JsonValue'"),
]  # fmt: skip


@pytest.mark.parametrize(("imports", "annotation", "files", "message", "help"), MISSING)
def test_missing(
    tmp_path: Path, imports: str, annotation: str, files: dict[str, str], message: str, help: str
) -> None:
    read = read_import(tmp_path, imports, annotation, files)
    (fault,) = [item for item in read.findings if item.code == "PGF103"]
    assert message in fault.message
    assert help in (fault.help or "")
    assert read.text(fault.span) == annotation


def test_standard_library_modules_are_not_hidden_by_folders(tmp_path: Path) -> None:
    read = read_import(
        tmp_path,
        "from fractions import Fraction",
        "Fraction",
        {"fractions/readme.txt": "", "typing/readme.txt": ""},
    )
    assert "Fraction is not JSON" in read.one("PGF302").message
