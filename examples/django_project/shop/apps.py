"""The app: its label is what the generated migrations name."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
