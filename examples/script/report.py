"""Start a run with a day's sales, wait for it, print the summary: what a cron job would do.

The run's id is made from the file's name and content: a job that is started twice, or again after a crash,
finds the run of the first time instead of starting another.
"""

import csv
import sys
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from flows.sales import Sale
from generated.client import Client
from pgflow_runtime.errors import PgflowError


def read(path: Path) -> list[Sale]:
    with path.open(newline="") as file:
        return [{"region": row["region"], "cents": int(row["cents"])} for row in csv.DictReader(file)]


def main(path: Path) -> None:
    run_id = uuid5(NAMESPACE_URL, f"sales/{path.name}/{path.read_text()}")
    with Client.connect() as client:  # PGFLOW_DSN, or the project's embedded server
        run = client.start_sales({"date": "2026-11-22", "sales": read(path)}, run_id=run_id)
        summary = run.result(timeout=60)["summary"]
    print(f"{summary['date']}: {summary['cents'] / 100:.2f} in all, most of it in the {summary['best']}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "sales.csv"))
    except PgflowError as error:
        sys.exit(f"sales report: {error}")
