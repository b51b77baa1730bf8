"""Which tasks when: the engine claims them, has them run, and reports what became of them."""
