"""The second judge: mypy over the generated wiring, its findings placed on the handlers (501).

The wiring and the client's records are put into a staging folder and judged there, so that nothing is written
while mypy disagrees. A clean verdict is remembered by the digests of everything it rests on.
"""

from __future__ import annotations

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.render import Rendered
from pgflow_gen.verify.mypy_run import VerifyError, run_mypy
from pgflow_gen.verify.settings import Settings
from pgflow_gen.verify.staging import stage
from pgflow_gen.verify.verdict import Verdicts
from pgflow_gen.verify.words import Words

__all__ = ["VerifyError", "verify"]


def verify(
    analysis: Analysis,
    rendered: Rendered,
    config: Config,
    findings: Findings,
    *,
    cached: bool = True,
    plugins: bool = True,
) -> None:
    """Add a 501 for everything mypy has against the flows; warnings of the flows' own code are dropped.

    Without ``cached``, neither an earlier verdict nor mypy's own cache counts; without ``plugins``, none of
    the user's is loaded.
    Raises VerifyError when mypy cannot judge at all (it crashed, or a plugin of the user's is missing).
    """
    settings = Settings.of(config, with_plugins=plugins)
    with stage(rendered, config, settings, cached=cached) as staging:
        verdicts = Verdicts(staging, config, analysis)
        if cached and verdicts.is_known_clean():
            return
        reported = run_mypy(staging, config)
        words = Words(analysis, rendered.wiring, staging.wiring, config.root, reported)
        told = [finding for item in reported for finding in words.finding(item)]
        findings.extend(told)
        if cached and not told:
            verdicts.remember_clean()
