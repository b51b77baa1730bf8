"""The command line. Thin: each command asks the pipeline, and everything heavy is imported on demand."""

from pgflow_gen.cli.main import main

__all__ = ["main"]
