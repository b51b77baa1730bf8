"""The dashboard: runs, flows, workers and queues on a web page, for a browser on this machine.

An extra: nothing else imports this package, which needs starlette, uvicorn and jinja2.
"""

from __future__ import annotations

from pgflow_runtime.dashboard.options import DashboardOptions
from pgflow_runtime.dashboard.server import serve

__all__ = ["DashboardOptions", "serve"]
