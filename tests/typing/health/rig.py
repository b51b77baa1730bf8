"""Markers that are wrong on purpose: the rig must complain about each of them."""

from pgflow_runtime import Flow

flow = Flow[str]("flow")

fine = flow.db_slug  # E
right: int = flow.slug  # E
unmarked: int = flow.slug
