"""Where Python looks for modules: in its own library first, so that no name in a project breaks a command.

``python -m`` and PYTHONPATH put folders before the library, and a user's queue.py there would be taken for
the library's. What runs handlers puts the project's folders first once everything of ours is imported.
"""

from __future__ import annotations

import os
import sys


def library_first() -> None:
    """Move whatever stands before the standard library behind it, and the working directory to the end."""
    library = os.path.dirname(os.__file__)
    own = {library, os.path.join(library, "lib-dynload")}
    places = [number for number, entry in enumerate(sys.path) if entry in own]
    if not places:
        return
    first, last = places[0], places[-1] + 1
    here = ("", ".", _here())
    before = [entry for entry in sys.path[:first] if entry not in here]
    working = [entry for entry in sys.path[:first] if entry in here]
    sys.path[:] = sys.path[first:last] + before + sys.path[last:] + working


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
