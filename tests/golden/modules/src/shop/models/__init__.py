from .goods import Item as Article
from .goods import Price

__all__ = ["Article", "Price"]
