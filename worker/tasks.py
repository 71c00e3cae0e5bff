"""Which body does which kind of job."""

from __future__ import annotations

from worker.context import Tasks

TASKS: Tasks = {}
