"""Supabase's migrations: SQL files with times."""

from __future__ import annotations

from pgflow_shared.styles.style import Style


class Supabase(Style):
    name = "supabase"
    is_stamped = True


STYLE = Supabase()
