"""Every film of the corpus plays to its end in the players that people have."""

from __future__ import annotations

import pytest

from tests.e2e.browsers import ELSEWHERE, OURS
from tests.e2e.corpus_run import Evening
from tests.e2e.players import PLAYERS
from tests.e2e.test_corpus import PLAYABLE

pytestmark = pytest.mark.timeout(900)

# How far from the planned end a player may stop. The browser's is that of its library and of its last frame.
IN_BROWSERS = (OURS, *ELSEWHERE)
TOLERANCE_SECONDS = dict.fromkeys(PLAYERS, 0.1) | dict.fromkeys(IN_BROWSERS, 0.2)


# ffmpeg's DASH demuxer is at the end with its first stream: of a film of one frame it never sees another.
FAILS = {("der_one_frame.mp4", "ffmpeg DASH"): pytest.mark.xfail(reason="ffmpeg 5.1 reads one stream of it")}


@pytest.mark.parametrize(
    ("name", "player"),
    [
        pytest.param(name, player, marks=FAILS.get((name, player), ()))
        for name in PLAYABLE
        for player in (*PLAYERS, *IN_BROWSERS)
    ],
)
def test_a_film_plays_to_its_end(evening: Evening, name: str, player: str) -> None:
    show = evening.films[name].shows[player]
    assert list(show.complaints) == []
    assert show.off_seconds <= TOLERANCE_SECONDS[player]


def test_no_watch_page_violates_its_policy_or_complains(evening: Evening) -> None:
    assert list(evening.violations) == []
    assert list(evening.console_errors) == []
