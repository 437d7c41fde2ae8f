"""`income`: how contribution is measured, and what came of it."""

from __future__ import annotations

from usufruct.cli.app import group

income = group("How contribution is measured, and what came of it.")
