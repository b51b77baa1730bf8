"""``python -m pgflow_command``: the same as the command ``pgflow-gen``."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the working folder: a project's click.py must not stand before the library's

from pgflow_command import main

if __name__ == "__main__":
    main()
