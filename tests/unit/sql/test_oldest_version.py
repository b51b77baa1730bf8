"""The core uses nothing that PostgreSQL 14 lacks. No 14 can be had here, so what came later is looked for."""

from __future__ import annotations

import re

import pytest

from pgflow_sql import SqlFile, migration_files, schema_files

LATER = {
    15: r"merge\s+into|nulls\s+not\s+distinct|security_invoker|regexp_(count|instr|like|substr)\s*\("
    r"|pg_database_collation_actual_version|set\s+null\s*\(|set\s+default\s*\(|has_parameter_privilege",
    16: r"any_value\s*\(|is\s+(not\s+)?json\b|json_array(agg)?\s*\(|json_object(agg)?\s*\("
    r"|array_(sample|shuffle)\s*\("
    r"|date_(add|subtract)\s*\(|random_normal|pg_input_(is_valid|error_info)|system_user|\berf?c?\s*\("
    r"|(?<![\w$])0[xob][0-9a-f]|\d_\d{3}|with\s+(inherit|set)\s+(true|false|option)",
    17: r"json_(table|query|value|exists|scalar|serialize)\s*\(|merge_action|to_regtypemod"
    r"|transaction_timeout|random\s*\(\s*\d|to_(bin|oct)\s*\(|jsonb_path_\w+\(.*\.(bigint|boolean|decimal|string)\("
    r"|unicode_assigned",
    18: r"uuidv[47]\s*\(|uuid_extract|returning\s+(with|old|new)\b|array_(reverse|sort)\s*\(|casefold\s*\("
    r"|without\s+overlaps|generated\s+always\s+as\s+\(.*\)\s+virtual|not\s+enforced|crc32c?\s*\(|\bgamma\s*\(",
}
EXAMPLES = {
    15: "merge into t using s on true when matched then delete",
    16: "select any_value(x) from t",
    17: "select random(1, 6)",
    18: "insert into t values (1) returning old.*",
}


def code_of(text: str) -> str:
    """SQL without its comments, in lower case."""
    return re.sub(r"--[^\n]*", "", text).lower()


@pytest.mark.parametrize("version", LATER)
def test_the_list_finds_what_it_lists(version: int) -> None:
    assert re.search(LATER[version], EXAMPLES[version])


@pytest.mark.parametrize("file", [*schema_files(), *migration_files()], ids=lambda file: file.name)
def test_nothing_newer_than_14(file: SqlFile) -> None:
    for version, pattern in LATER.items():
        found = re.search(pattern, code_of(file.text))
        assert found is None, f"{found and found[0]!r} came with PostgreSQL {version}"
