"""Whatever stands in a cue, what comes out is text, b, i and u, well nested, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.subtitles.markup import LONGEST_TEXT, aligned, cleaned, safe_settings

TAG = re.compile(r"</?[^>]*>")


@pytest.mark.parametrize(
    ("foreign", "safe"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("<i>leaning</i> <b>bold</b>", "<i>leaning</i> <b>bold</b>", id="what WebVTT knows, too"),
        pytest.param('<font color="red">red</font>', "red", id="colours"),
        pytest.param("<b><i>both</b></i>", "<b><i>both</i></b>", id="crossed"),
        pytest.param("<b>left open", "<b>left open</b>", id="left open"),
        pytest.param("a</b>b", "ab", id="never opened"),
        pytest.param("<I>shouting</I>", "<i>shouting</i>", id="upper case"),
        pytest.param("I <3 you & > 2 --> 1", "I &lt;3 you &amp; &gt; 2 --&gt; 1", id="signs of the markup itself"),
        pytest.param("fish &amp; chips &lt;3", "fish &amp; chips &lt;3", id="escaped already"),
        pytest.param("<script>alert(1)</script>", "alert(1)", id="a script"),
        pytest.param("<c.yellow.bg_blue onclick=x>quiet</c>", "quiet", id="a class"),
        pytest.param("<v Fred>Hello</v>", "Hello", id="a voice"),
        pytest.param("<00:00:01.000>now <00:02.000>later", "now later", id="karaoke"),
        pytest.param("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;", id="an unknown element"),
        pytest.param("&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;", id="an escaped script"),
        pytest.param("a&#8238;b&#0;", "ab\ufffd", id="an escaped override of direction"),
        pytest.param("one\n\n\ntwo", "one\ntwo", id="an empty line would end the cue"),
        pytest.param("<i> </i>", "", id="nothing to read"),
        pytest.param("one<br/>two", "one\ntwo", id="a line break"),
    ],
)
def test_markup_becomes_safe(foreign: str, safe: str) -> None:
    assert cleaned(foreign).text == safe


@given(st.text(alphabet=st.sampled_from("<>/biu& \nxc.-{}\\an8;"), max_size=200))
def test_what_comes_out_is_always_well_formed(foreign: str) -> None:
    text = cleaned(foreign).text
    opened: list[str] = []
    for tag in TAG.findall(text):
        assert tag in {"<b>", "</b>", "<i>", "</i>", "<u>", "</u>"}
        if tag.startswith("</"):
            assert opened.pop() == tag[2]
        else:
            opened.append(tag[1])
    assert opened == [] and "-->" not in text and "\n\n" not in text


def test_a_cue_is_never_longer_than_a_screen_could_hold() -> None:
    assert len(cleaned("x" * 1_000_000).text) == LONGEST_TEXT


def test_the_place_on_the_screen_survives() -> None:
    assert cleaned(r"{\an8}above").settings == "line:10%"
    assert aligned(2) == "" and aligned(7) == "line:10% align:left position:5%"


def test_settings_are_the_known_ones_or_none() -> None:
    text = "line:0 position:10%,line-left region:evil align:start onclick:x size:5000% line:-1"
    assert safe_settings(text) == "line:-1 position:10%,line-left align:start"
