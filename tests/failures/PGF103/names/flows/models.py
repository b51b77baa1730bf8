from typing import TypedDict


class Page(TypedDict):
    url: str
