"""What the shop keeps."""

from django.db import models


class Order(models.Model):
    """An order, and the id of the run that takes care of it."""

    sku = models.CharField(max_length=40)
    quantity = models.PositiveIntegerField()
    status = models.CharField(max_length=20, default="new")
    run_id = models.UUIDField(null=True)
