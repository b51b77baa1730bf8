"""Where a handler's code runs when that is not the worker's own process: ``executor=`` of a step or flow.

``packed.py`` is what travels, ``there.py`` what is done with it at the other end, wherever that is;
``base.py`` is what an executor is, one file each for those that there are, and ``table.py`` their names.
"""
