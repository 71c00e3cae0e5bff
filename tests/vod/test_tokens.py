from __future__ import annotations

import json
import stat
from pathlib import Path
from uuid import UUID

import pytest

from vod.errors import ConfigError, TokenRefused
from vod.tokens import LONGEST_LIFE_SECONDS, REMEMBERED, TOKEN, Scope, TokenKeys, expiry_for, user_subject

NOW = 1_800_000_000.0
FILM = UUID("11111111-1111-4111-8111-111111111111")
OTHER = UUID("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def keys(tmp_path: Path) -> TokenKeys:
    return TokenKeys.load(tmp_path / "token-keys")


def token_for(keys: TokenKeys, scope: Scope = Scope.HLS, subject: str = "u1", life: int = 3600) -> str:
    return keys.sign(FILM, subject, scope, int(NOW) + life)


def refused(keys: TokenKeys, token: str, media_id: UUID = FILM, scope: Scope = Scope.HLS, now: float = NOW) -> bool:
    try:
        keys.verify(token, media_id, scope, now)
    except TokenRefused:
        return True
    return False


def test_a_token_has_the_documented_shape_and_alphabet(keys: TokenKeys) -> None:
    kid, expiry, subject, scope, signature = token_for(keys).split(".")
    assert (expiry, subject, scope, len(signature)) == (str(int(NOW) + 3600), "u1", "h", 22)
    assert set(kid + signature) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_good_token_tells_whose_it_is(keys: TokenKeys) -> None:
    claims = keys.verify(token_for(keys), FILM, Scope.HLS, NOW)
    assert (claims.subject, claims.scope, claims.expiry) == ("u1", Scope.HLS, int(NOW) + 3600)


def test_every_single_bit_flip_is_refused(keys: TokenKeys) -> None:
    token = token_for(keys).encode()
    for position in range(len(token)):
        for bit in range(8):
            flipped = bytearray(token)
            flipped[position] ^= 1 << bit
            assert refused(keys, flipped.decode("latin-1")), (position, bit)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda token: token + ".", id="a dot more"),
        pytest.param(lambda token: token + "\n", id="a newline more"),
        pytest.param(lambda token: token + "=", id="base64 padding"),
        pytest.param(lambda token: "." + token, id="a dot before"),
        pytest.param(lambda token: token.rsplit(".", 1)[0] + ".", id="no signature"),
        pytest.param(lambda token: token.replace(".h.", ".o."), id="scope raised"),
        pytest.param(lambda token: token.replace(".h.", ".x."), id="unknown scope"),
        pytest.param(lambda token: token.replace(".u1.", ".u2."), id="another subject"),
        pytest.param(lambda token: "0000" + token[4:], id="unknown key"),
        pytest.param(lambda token: token.replace(".1800", ".01800"), id="expiry with a leading zero"),
        pytest.param(lambda token: token.replace(".1800", ".١800"), id="expiry in other digits"),
        pytest.param(lambda token: token * 1000, id="very long"),
        pytest.param(lambda token: token.upper(), id="upper case"),
    ],
)
def test_a_damaged_token_is_refused(keys: TokenKeys, damage: object) -> None:
    assert callable(damage)
    assert refused(keys, damage(token_for(keys)))


def test_a_token_for_other_media_is_refused(keys: TokenKeys) -> None:
    assert refused(keys, token_for(keys), media_id=OTHER)


def test_an_hls_token_does_not_open_the_original_and_an_original_token_opens_both(keys: TokenKeys) -> None:
    assert refused(keys, token_for(keys, Scope.HLS), scope=Scope.ORIGINAL)
    assert not refused(keys, token_for(keys, Scope.ORIGINAL), scope=Scope.ORIGINAL)
    assert not refused(keys, token_for(keys, Scope.ORIGINAL), scope=Scope.HLS)


def test_expiry_forgives_a_minute_of_clock_skew_and_no_more_even_when_remembered(keys: TokenKeys) -> None:
    token = token_for(keys, life=10)
    assert not refused(keys, token, now=NOW + 10 + 60)
    assert refused(keys, token, now=NOW + 10 + 61)


def test_a_revoked_subject_is_refused_at_once_although_its_token_is_remembered(keys: TokenKeys) -> None:
    token = token_for(keys)
    assert not refused(keys, token)
    keys.subjects.revoke("u1")
    assert refused(keys, token)


def test_a_subject_that_the_database_no_longer_knows_is_refused(keys: TokenKeys) -> None:
    token = token_for(keys)
    keys.subjects.reading()
    keys.subjects.replace({"u2"})
    assert refused(keys, token)


def test_a_subject_admitted_while_the_database_is_asked_stays(keys: TokenKeys) -> None:
    keys.subjects.reading()
    keys.subjects.admit("u3")
    keys.subjects.replace({"u2"})
    assert "u3" in keys.subjects


def test_after_a_restart_a_token_counts_once_its_subject_is_known_again(tmp_path: Path, keys: TokenKeys) -> None:
    token = token_for(keys)
    restarted = TokenKeys.load(tmp_path / "token-keys")
    assert refused(restarted, token)
    restarted.subjects.replace({user_subject(1)})
    assert not refused(restarted, token)


def test_rotation_signs_with_a_new_key_and_keeps_running_playback(keys: TokenKeys) -> None:
    before = token_for(keys)
    kid = keys.rotate(NOW)
    after = token_for(keys)
    assert after.startswith(kid) and not before.startswith(kid)
    assert not refused(keys, before) and not refused(keys, after)


def test_rotation_by_another_process_is_adopted(tmp_path: Path, keys: TokenKeys) -> None:
    running = TokenKeys.load(tmp_path / "token-keys")
    running.subjects.admit("u1")
    keys.rotate(NOW)
    token = token_for(keys)
    assert refused(running, token)
    running.refresh()
    assert not refused(running, token)


def test_a_key_is_dropped_once_nothing_it_signed_can_live(keys: TokenKeys) -> None:
    first = token_for(keys)
    keys.rotate(NOW)
    keys.rotate(NOW + LONGEST_LIFE_SECONDS + 1)
    assert refused(keys, first)


def test_the_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token-keys"
    TokenKeys.load(path)
    path.chmod(0o644)
    TokenKeys.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="another shape"),
        pytest.param(json.dumps({"keys": []}), id="no key"),
        pytest.param(json.dumps({"keys": [{"kid": "aaaa", "secret": "00", "created_at": 0}]}), id="a short key"),
    ],
)
def test_a_key_file_without_a_usable_key_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token-keys"
    path.write_text(text)
    with pytest.raises(ConfigError):
        TokenKeys.load(path)


def test_what_is_remembered_is_bounded(keys: TokenKeys) -> None:
    for number in range(REMEMBERED + 10):
        keys.verify(keys.sign(FILM, f"u{number}", Scope.HLS, int(NOW) + 1), FILM, Scope.HLS, NOW)
    assert len(keys._verified) == REMEMBERED


@pytest.mark.parametrize("subject", ["", "u.1", "u/1", "ü", "u" * 65, "u1\n"])
def test_a_subject_outside_the_alphabet_is_never_signed(keys: TokenKeys, subject: str) -> None:
    with pytest.raises(ValueError):
        keys.sign(FILM, subject, Scope.HLS, int(NOW))


@pytest.mark.parametrize(
    ("duration", "longest", "shortest_life", "longest_life"),
    [
        pytest.param(0, 86400, 3 * 3600, 4 * 3600, id="unknown length"),
        pytest.param(7200, 86400, 7 * 3600, 8 * 3600, id="two hours"),
        pytest.param(86400, 86400, 23 * 3600, 86400, id="capped"),
        pytest.param(7200, 300, 225, 300, id="shortest setting"),
    ],
)
def test_life_is_twice_the_film_and_four_hours_within_its_cap(
    duration: float, longest: int, shortest_life: int, longest_life: int
) -> None:
    for second in range(0, 3600, 7):
        life = expiry_for(duration, longest, NOW + second) - (NOW + second)
        assert shortest_life <= life <= longest_life


def test_tokens_signed_within_one_hour_are_the_same_so_urls_are_stable(keys: TokenKeys) -> None:
    hour = int(NOW) // 3600 * 3600
    expiries = {expiry_for(7200, 86400, hour + second) for second in range(3600)}
    assert len(expiries) == 1
    assert TOKEN.match(keys.sign(FILM, "u1", Scope.HLS, expiries.pop()))
