"""``python -m pgflow_gen``: the same as the command ``pgflow-gen``."""

from pgflow_gen.cli import main

if __name__ == "__main__":
    main()
