"""Which files there are, and what is in them: all that the compiler asks of the disk about sources."""
