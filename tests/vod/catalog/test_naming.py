from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.catalog.naming import EpisodeTitling, MovieTitling, Titling, guess


def movie(title: str, year: str | None = None) -> MovieTitling:
    return MovieTitling(title=title, release_date=year)


def episode(series: str, season: int, number: int, title: str = "") -> EpisodeTitling:
    return EpisodeTitling(series=series, season=season, episode=number, title=title)


@pytest.mark.parametrize(
    ("name", "titling"),
    [
        pytest.param("Some.Movie.2019.1080p.x264.mkv", movie("Some Movie", "2019"), id="a release"),
        pytest.param("1917 (2019).mp4", movie("1917", "2019"), id="a year for a title"),
        pytest.param("1917.mkv", movie("1917"), id="nothing but a year"),
        pytest.param("2001.A.Space.Odyssey.1968.mkv", movie("2001 A Space Odyssey", "1968"), id="two years"),
        pytest.param("Blade Runner 2049 2017 2160p.mkv", movie("Blade Runner 2049", "2017"), id="the last year"),
        pytest.param("holiday_in_rome.MOV", movie("holiday in rome"), id="underscores"),
        pytest.param("[group] Film [1080p].mkv", movie("Film"), id="brackets"),
        pytest.param("Wall-E.mkv", movie("Wall-E"), id="a hyphen that belongs to the title"),
        pytest.param("Show S01E02.mkv", episode("Show", 1, 2), id="an episode"),
        pytest.param("Show.Name.s1e2.The.Pilot.720p.WEB-DL.mkv", episode("Show Name", 1, 2, "The Pilot"), id="named"),
        pytest.param("Series 3x07 Name.avi", episode("Series", 3, 7, "Name"), id="3x07"),
        pytest.param("Series Special (1920x1080).mkv", movie("Series Special"), id="a size is no episode"),
        pytest.param("S01E02.mkv", movie("S01E02"), id="an episode of nothing"),
        pytest.param("1080p.mkv", movie("1080p"), id="nothing but a release word"),
        pytest.param("\x00\x01", movie("Untitled"), id="nothing to show"),
    ],
)
def test_a_file_name_says_what_is_in_it(name: str, titling: Titling) -> None:
    assert guess(name) == titling


@given(st.text(max_size=400))
def test_any_name_gives_a_title_that_can_be_shown(name: str) -> None:
    titling = guess(name)
    title = titling.title if isinstance(titling, MovieTitling) else titling.series
    assert 0 < len(title) <= 300
    assert title.isprintable()
