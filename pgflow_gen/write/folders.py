"""Where generated files may be: inside two folders of the project, reached without a symbolic link."""

from __future__ import annotations

import os
import stat
from dataclasses import field
from pathlib import Path, PurePosixPath

from pgflow_gen.config import Config
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.write.errors import WriteError


@dataclass(frozen=True, slots=True)
class Folders:
    """``out`` and ``migrations`` are POSIX paths relative to ``root``."""

    root: Path
    out: PurePosixPath
    migrations: PurePosixPath
    _real: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)
    """Folders that files may go into, were looked at, and lead through no link; by their relative path."""

    @classmethod
    def of(cls, config: Config) -> Folders:
        return cls(config.root, _relative(config.out, "out"), _relative(config.migrations, "migrations"))

    def holds(self, path: str) -> bool:
        """Whether a path relative to the project is one that may be written or deleted."""
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\x00" in path:
            return False
        return any(pure.is_relative_to(folder) and pure != folder for folder in (self.out, self.migrations))

    def locate(self, path: str) -> Path:
        """The file a relative path means. Raises WriteError for a symbolic link or a folder in its place."""
        folder, _, name = path.rpartition("/")
        real = self._real.get(folder)
        if real is None or name in ("", ".", "..") or "\\" in name or "\x00" in name:
            file = self._look_at(path)
            if file.parent.is_dir():
                self._real[folder] = file.parent
        else:
            file = real / name
        try:
            mode = os.lstat(file).st_mode
        except OSError:
            return file
        if stat.S_ISLNK(mode):
            self._refuse_link(file)
        if stat.S_ISDIR(mode):
            raise WriteError(f"{path} is a folder, but a generated file goes there", help="remove the folder")
        return file

    def _look_at(self, path: str) -> Path:
        if not self.holds(path):
            raise WriteError(
                f"{path} is outside the folders of generated files", help="check the configuration"
            )
        file = self.root / path
        for parent in reversed(file.parents):
            if parent.is_relative_to(self.root) and parent != self.root:
                self._refuse_link(parent)
        return file

    def _refuse_link(self, file: Path) -> None:
        if file.is_symlink():
            raise WriteError(
                f"{file.relative_to(self.root).as_posix()} is a symbolic link",
                help="generated files are written through no link: remove it, or set another folder in"
                " [tool.pgflow-gen]",
            )

    def read(self, path: str) -> bytes | None:
        """What is in the file now; None when there is none."""
        file = self.locate(path)
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WriteError(
                f"{path} cannot be read: {error.strerror}", help="check its permissions"
            ) from error

    def migration_names(self) -> tuple[str, ...]:
        """Files in the folder of migrations, sorted."""
        folder = self.root / self.migrations
        if not folder.is_dir():
            return ()
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_file()))


def _relative(text: str, option: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise WriteError(
            f"{option} = {text!r} leads out of the project",
            help=f"set {option} in [tool.pgflow-gen] to a folder inside the project",
        )
    return path
