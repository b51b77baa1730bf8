"""A worker as a program: what users start, its processes, how each begins, is told to stop, and ends."""
