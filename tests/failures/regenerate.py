"""Write ``expected.txt`` of failure cases: ``python -m tests.failures.regenerate [PGF303[/case]]...``.

Read what it prints before committing: the texts are what the tests hold the compiler to.
"""

from __future__ import annotations

import sys

from tests.failures.cases import cases


def main(wanted: list[str]) -> None:
    for case in cases():
        if wanted and case.code not in wanted and str(case) not in wanted:
            continue
        text = case.text()
        case.expected.write_text(text, encoding="utf-8", newline="\n")
        print(f"== {case}\n{text}")
        if case.code not in {item.code for item in case.report().diagnostics}:
            print(f"!! no {case.code} here", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
