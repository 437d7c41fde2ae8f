"""`work`: jobs, who does them, and by which rule. The commands of each part stand in the module of that part."""

from __future__ import annotations

from usufruct.cli.app import group

work = group("Work: jobs, allocation, hours and pay.")
