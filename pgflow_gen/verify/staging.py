"""The folder mypy looks at: what would be generated, under a package name that no project has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.disk import Folder
from pgflow_gen.kept import kept
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render import Rendered, RenderedFile
from pgflow_gen.verify.settings import STAGED_PACKAGE, Settings
from pgflow_shared.system.digest import digest

_MYPY = "mypy"


@dataclass(frozen=True, slots=True)
class Staging:
    """``folder`` holds the staged package and mypy's configuration; ``cache`` outlives the build.

    ``digests`` are those of all files in it, by path.
    """

    folder: Path
    cache: Path
    digests: dict[str, str]

    @property
    def wiring(self) -> Path:
        return self.folder / STAGED_PACKAGE / "_typecheck.py"

    @property
    def ini(self) -> Path:
        return self.folder / "mypy.ini"


@contextmanager
def stage(
    rendered: Rendered, config: Config, settings: Settings, *, cached: bool = True
) -> Iterator[Staging]:
    """Stage ``rendered`` in the project's cache, or where that cannot be used in a temporary folder."""
    with ExitStack() as stack:
        cache = _own_cache(config.root, stack) if cached else None
        if cache is None:
            temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="pgflow-gen-"))
            cache = stack.enter_context(Folder(os.path.realpath(temporary)))
        yield _fill(cache, rendered, settings)


def _own_cache(root: Path, stack: ExitStack) -> Folder | None:
    """The project's cache, without links: we make none, and mypy would follow them."""
    try:
        with kept(root) as cache:
            if any(cache.links()):
                cache.clear()
        return stack.enter_context(kept(root))
    except OSError:
        return None


def _fill(cache: Folder, rendered: Rendered, settings: Settings) -> Staging:
    """Files that are as they should be are not touched: mypy's own cache goes by their times."""
    files = {file.path: file for file in rendered.files if file.path.endswith(".py")}
    place = Path(os.path.realpath(cache.path))
    ini = RenderedFile.of("mypy.ini", settings.ini(place / _MYPY))
    with cache.enter("verify", make=True, mode=0o700) as folder:
        _put(folder, ini)
        with folder.enter(STAGED_PACKAGE, make=True, mode=0o700) as package:
            for name in package.names():
                if name.endswith(".py") and name not in files:
                    package.remove(name)
            for file in files.values():
                _put(package, file)
    digests = {f"{STAGED_PACKAGE}/{path}": file.digest for path, file in files.items()}
    return Staging(place / "verify", place, digests | {"mypy.ini": ini.digest})


def _put(folder: Folder, file: RenderedFile) -> None:
    try:
        if digest(folder.read(file.path)) == file.digest:
            return
    except OSError:
        pass
    folder.write(file.path, file.content)
