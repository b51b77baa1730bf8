"""[tool.pgflow-gen]: what is read, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.config import Config, ConfigError, load_config


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_without_any_pyproject(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config == Config(tmp_path.resolve())
    assert (config.flows, config.src, config.out, config.migrations, config.style) == (
        ("flows",),
        (".",),
        "generated",
        "generated/migrations",
        "plain",
    )


def test_everything_written(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    write(
        tmp_path,
        '[tool.pgflow-gen]\nflows = ["jobs", "more/*.py"]\nsrc = ["lib", "./"]\nout = "app/gen/"\n'
        'migrations = "db/migrations"\nstyle = "dbmate"\n',
    )
    assert load_config(tmp_path) == Config(
        tmp_path.resolve(), ("jobs", "more/*.py"), ("lib", "."), "app/gen", "db/migrations", "dbmate"
    )


def test_migrations_follow_out(tmp_path: Path) -> None:
    write(tmp_path, '[tool.pgflow-gen]\nout = "gen"\n')
    assert load_config(tmp_path).migrations == "gen/migrations"


def test_the_nearest_pyproject_with_the_table_wins(tmp_path: Path) -> None:
    write(tmp_path, '[tool.pgflow-gen]\nout = "outer"\n')
    write(tmp_path / "inner", "[project]\nname = 'x'\n")
    (tmp_path / "inner" / "deep").mkdir()
    config = load_config(tmp_path / "inner" / "deep")
    assert (config.root, config.out) == (tmp_path.resolve(), "outer")


def test_a_pyproject_without_the_table_is_a_root_too(tmp_path: Path) -> None:
    write(tmp_path, "[project]\nname = 'x'\n")
    (tmp_path / "deep").mkdir()
    assert load_config(tmp_path / "deep") == Config(tmp_path.resolve())


def test_an_explicit_pyproject(tmp_path: Path) -> None:
    file = write(tmp_path / "other", '[tool.pgflow-gen]\nout = "gen"\n')
    assert load_config(tmp_path, pyproject=file).root == (tmp_path / "other").resolve()
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path, pyproject=tmp_path / "gone.toml")


REFUSED = [
    ('flow = ["x"]', "unknown key 'flow'", "did you mean 'flows'?"),
    ("zzz = 1", "unknown key 'zzz'", "known keys are"),
    ('flows = "flows"', "flows must be a list", 'flows = ["flows"]'),
    ("flows = []", "flows must be a list", 'flows = ["flows"]'),
    ("flows = [1]", "flows must hold strings, not 1", 'flows = ["flows"]'),
    ('flows = [" "]', "flows must hold strings", ""),
    ('src = ["gone"]', "there is no folder 'gone'", "relative to the pyproject.toml"),
    ("out = 3", "out must be a string", "out ="),
    ('out = ""', "out must be a string", "out ="),
    ('out = "/tmp/x"', "out must be a folder inside the project", "relative"),
    ('out = "../x"', "out must be a folder inside the project", "relative"),
    ('out = "a/../.."', "out must be a folder inside the project", "relative"),
    ('out = "."', "out must be a folder inside the project", "relative"),
    ('out = "C:\\\\x"', "out must be a folder inside the project", "relative"),
    ('migrations = "../x"', "migrations must be a folder inside the project", "relative"),
    ('style = "supabse"', "unknown style 'supabse'", "did you mean 'supabase'?"),
    ('style = "x"', "unknown style 'x'", "known styles are plain, supabase"),
]


@pytest.mark.parametrize(("line", "message", "help"), REFUSED)
def test_refused(tmp_path: Path, line: str, message: str, help: str) -> None:
    write(tmp_path, f"[tool.pgflow-gen]\n{line}\n")
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path)
    assert message in error.value.message
    assert "pyproject.toml" in error.value.message
    assert help in (error.value.help or "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[tool", "not valid TOML"),
        (b"x = '\xff'", "not UTF-8"),
        (b"[tool]\npgflow-gen = 3\n", "must be a table"),
    ],
)
def test_a_broken_pyproject(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path)


def test_a_pyproject_with_odd_tools(tmp_path: Path) -> None:
    write(tmp_path, "tool = 3\n")
    assert load_config(tmp_path) == Config(tmp_path.resolve())


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'\xef\xbb\xbf[tool.pgflow-gen]\nout = "gen"\n')
    assert load_config(tmp_path).out == "gen"
