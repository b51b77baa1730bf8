"""Run ids made by the client."""

from __future__ import annotations

import time

from pgflow_runtime.client.uuid7 import uuid7


def test_ids_are_version_7_and_carry_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {(item.version, item.variant) for item in made} == {(7, "specified in RFC 4122")}
    assert all(before <= item.int >> 80 <= after for item in made)
    assert len(set(made)) == 1000
