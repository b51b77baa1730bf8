"""Place an order, look at it."""

import json
from functools import cache

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from generated.client import Client
from pgflow_runtime.client.uuid7 import uuid7
from shop.models import Order


@cache
def client() -> Client:
    """One client a process; it connects when it is first asked for."""
    return Client.connect(settings.DSN)


@csrf_exempt  # an API for programs, without cookies
@require_POST
def orders(request: HttpRequest) -> HttpResponse:
    placed = json.loads(request.body)
    order = Order.objects.create(sku=placed["sku"], quantity=placed["quantity"], run_id=uuid7())
    transaction.on_commit(lambda: start(order))
    return JsonResponse({"order": order.pk}, status=202)


def start(order: Order) -> None:
    """The id was stored with the order: starting again after a crash gives the same run."""
    client().start_fulfil({"order_id": order.pk, "quantity": order.quantity}, run_id=order.run_id)


@require_GET
def order(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Order, pk=pk)
    return JsonResponse({"order": found.pk, "status": found.status})
