"""``dataclass``, cheaper to define: a build of one file spends much of its time on defining classes.

The standard decorator writes and compiles the source of up to six methods a class; here that is done for
``__init__`` only. Equality, hash and text are closures over the fields, and ``frozen`` is left to type
checkers: they see the standard decorator, and refuse assignments.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, repr=True, order=False, **options):
        """As ``dataclasses.dataclass``."""

        def define(cls):
            if order:
                return dataclasses.dataclass(cls, frozen=frozen, eq=eq, repr=repr, order=order, **options)
            cls.__doc__ = cls.__doc__ or cls.__name__  # otherwise a signature is made for it
            own = set(vars(cls))
            cls = dataclasses.dataclass(cls, eq=False, repr=False, **options)
            _add(cls, own, eq=eq, has_hash=eq and frozen, repr=repr)
            return cls

        return define if cls is None else define(cls)


def _add(cls: type[Any], own: set[str], *, eq: bool, has_hash: bool, repr: bool) -> None:
    """The methods that are not in the body of the class, which are its ``own``."""
    fields = dataclasses.fields(cls)
    if repr and "__repr__" not in own:
        cls.__repr__ = _repr(tuple(field.name for field in fields if field.repr))
    if not eq or "__eq__" in own:
        return
    values = _getter(tuple(field.name for field in fields if field.compare))

    def equal(self: object, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    cls.__eq__ = equal  # type: ignore[assignment]
    if "__hash__" not in own:
        cls.__hash__ = hashed if has_hash else None  # type: ignore[assignment]


def _getter(names: tuple[str, ...]) -> Any:
    """The values of the fields ``names``, always as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _self: ()
    value = attrgetter(*names)
    return lambda self: (value(self),)


def _repr(names: tuple[str, ...]) -> Any:
    def text(self: object) -> str:
        values = (f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({', '.join(values)})"

    return text
