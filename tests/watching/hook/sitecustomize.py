"""Python runs this at the start of every program that the tests start: PYTHONPATH names this folder."""

import os
from pathlib import Path

from tests.watching import child

if folder := os.environ.get(child.FOLDER):
    child.watch(Path(folder))
