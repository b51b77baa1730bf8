"""The contract of a flow, ``generated/schemas/<flow>.json``: its types, its structure, its settings.

``flow_contract`` reads it, ``schema`` and ``boundary`` judge values by it, ``catalogue`` finds it by name.
"""

from __future__ import annotations

from pgflow_runtime.contract.flow_contract import FlowContract, Param, StepContract, slugs_in

__all__ = ["FlowContract", "Param", "StepContract", "slugs_in"]
