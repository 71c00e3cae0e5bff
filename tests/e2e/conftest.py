"""One evening with the corpus for all tests of it: encoding it takes longer than everything else together."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.corpus_run import Evening, spend_evening
from tests.e2e.corpus_table import write_table
from tests.vod.ffmpeg import corpus

collect_ignore = [] if corpus.ROOT.is_dir() else ["test_corpus.py", "test_players.py"]


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    spent = asyncio.run(spend_evening(tmp_path_factory.mktemp("corpus")))
    write_table(spent)
    return spent
