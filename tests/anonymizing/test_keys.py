"""The key: what it gives, what it never shows."""

from __future__ import annotations

import hashlib
import itertools
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paribus.anonymizing.keys import Key
from paribus.errors import SpecError

KEY, OTHER = Key(b"a secret of some length"), Key(b"a secret of other length")


def every(radices):
    """All strings of a format."""
    return np.array(list(itertools.product(*map(range, radices))), np.uint8)


def spread(n, radices, seed=0):
    return np.random.default_rng(seed).integers(0, radices, (n, len(radices))).astype(np.uint8)


# --- secrets --------------------------------------------------------------------------------------


def test_a_key_is_never_shown_or_saved():
    assert repr(KEY) == "Key(...)"
    assert "some length" not in f"{KEY} {KEY!r} {[KEY]}"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    with pytest.raises(AttributeError):
        KEY.more = 1


def same(one, other):
    """Tell whether two keys are one."""
    texts = pa.array(["x"])
    return bool((one.words(texts, "r") == other.words(texts, "r")).all())


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"a secret of some length\n", b"a secret of some length"),
        (b"a secret of some length\r\n", b"a secret of some length"),
        ("ein Geheimnis für alle\n".encode(), "ein Geheimnis für alle".encode()),
        # Drawn by chance: every byte counts, also the last.
        (b"\x80" * 8 + b"\x01" * 7 + b"\n", b"\x80" * 8 + b"\x01" * 7 + b"\n"),
        (b"\x80" * 8 + b"\x01" * 7 + b"\r\n", b"\x80" * 8 + b"\x01" * 7 + b"\r\n"),
        (b"\x00" + b"a" * 30 + b"\n", b"\x00" + b"a" * 30 + b"\n"),
        (b"ab" * 2048, b"ab" * 2048),
    ],
)
def test_of_text_the_line_break_is_no_part_of_the_key(tmp_path, content, secret):
    file = tmp_path / "key"
    file.write_bytes(content)
    assert same(Key.read(file), Key(secret))


def test_files_that_never_end_are_no_keys(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"ab" * 2048 + b"c")
    endless = [file, *(each for each in [Path("/dev/urandom")] if each.exists())]
    for each in endless:
        with pytest.raises(SpecError, match="at most 4096 bytes"):
            Key.read(each)
    with pytest.raises(SpecError, match="cannot be read"):
        Key.read("a\0b")
    file.write_bytes(b"fifteen letters\n")
    with pytest.raises(SpecError, match="has 15 bytes"):
        Key.read(file)


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 15, b"\0" * 32, b"aaaaaaaaaaaaaaaaaa"])
def test_weak_keys_are_refused(secret):
    with pytest.raises(SpecError):
        Key(secret)


def test_a_file_and_the_environment_give_the_same_key(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_bytes(b"a secret of some length\r\n")
    monkeypatch.setenv("PARIBUS_TEST_KEY", "a secret of some length")
    texts = pa.array(["x"])
    for key in (Key.read(file), Key.of_environment("PARIBUS_TEST_KEY")):
        assert (key.words(texts, "r") == KEY.words(texts, "r")).all()
    with pytest.raises(SpecError, match="cannot be read"):
        Key.read(tmp_path / "none")
    with pytest.raises(SpecError, match="no environment variable"):
        Key.of_environment("PARIBUS_NO_SUCH")
    file.write_bytes(b"short")
    with pytest.raises(SpecError, match="key_file"):
        Key.read(file)
    assert not (Key.fresh().words(texts, "r") == Key.fresh().words(texts, "r")).any()


# --- words ----------------------------------------------------------------------------------------


def test_words_are_keyed_blake2b():
    """RFC 7693 by the standard library, with a key derived for the realm."""
    secret = hashlib.blake2b(
        b"a secret of some length", digest_size=32, person=b"paribus key"
    ).digest()
    own = hashlib.blake2b(b"words\0realm", key=secret, digest_size=32).digest()
    wanted = np.frombuffer(hashlib.blake2b("Zoë".encode(), key=own, digest_size=16).digest(), "<u8")
    assert (KEY.words(pa.array(["Zoë"]), "realm", 2)[0] == wanted).all()
    # Known answer: it stays what it is in every version.
    assert KEY.words(pa.array(["Zoë"]), "realm")[0, 0] != OTHER.words(pa.array(["Zoë"]), "realm")[0]


def test_words_of_nothing_and_of_a_slice():
    assert KEY.words(pa.array([], pa.string()), "r", 3).shape == (0, 3)
    texts = pa.array(["a", "bb", "ccc"])
    whole = KEY.words(texts, "r")
    assert (KEY.words(texts.slice(1), "r") == whole[1:]).all()
    assert (KEY.words(texts.cast(pa.large_string()), "r") == whole).all()
    assert not (KEY.words(texts, "another") == whole).any()


# --- permutations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "radices",
    [
        [10],
        [2],
        [26],
        [3, 1, 4],
        [10] * 3,
        [10] * 4,
        [9, 10, 10, 10],
        [26, 10, 10, 10],
        [16, 16, 16, 2],
    ],
)
@pytest.mark.parametrize("key", [KEY, OTHER])
def test_small_formats_are_permuted_whole_and_nothing_stays(radices, key):
    given_ = every(radices)
    made = key.permuted(given_, radices, "r")
    assert made.dtype == given_.dtype
    assert sorted(map(tuple, made.tolist())) == sorted(map(tuple, given_.tolist()))
    assert not (made == given_).all(axis=1).any()


def test_a_format_of_one_string_stays():
    one = np.zeros((2, 3), np.uint8)
    assert (KEY.permuted(one, [1, 1, 1], "r") == 0).all()
    assert KEY.permuted(np.zeros((3, 0), np.uint8), [], "r").shape == (3, 0)
    assert KEY.permuted(np.zeros((0, 3), np.uint8), [9, 9, 9], "r").shape == (0, 3)


@pytest.mark.parametrize("size", [1, 2, 3, 100, 4096, 4097, 65_537, 99_991])
def test_numbers_are_permuted_whole(size):
    numbers = np.arange(size, dtype=np.uint64)
    made = KEY.permuted_numbers(numbers, size, "r")
    assert (np.sort(made) == numbers).all()
    assert size == 1 or not (made == numbers).any()


@pytest.mark.parametrize("size", [1 << 40, 1 << 48, (1 << 48) + 1, 10**18, (1 << 63) + 1, 1 << 64])
def test_large_numbers_stay_distinct_and_below(size):
    rng = np.random.default_rng(3)
    top = [size - 1, size - 2, 0, 1]
    numbers = np.unique(
        np.concatenate([rng.integers(0, size, 2000, np.uint64, endpoint=size < 1 << 63) % size
                        if size < 1 << 64 else rng.integers(0, 1 << 63, 2000, np.uint64),
                        np.array(top, np.uint64)])
    )  # fmt: skip
    made = KEY.permuted_numbers(numbers, size, "r")
    assert len(np.unique(made)) == len(numbers)
    assert size == 1 << 64 or int(made.max()) < size


@given(
    st.lists(st.sampled_from([1, 2, 10, 16, 26, 200]), min_size=1, max_size=60),
    st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=60)
def test_permutations_are_injective_in_every_format(radices, seed):
    given_ = np.unique(spread(200, radices, seed), axis=0)
    made = KEY.permuted(given_, radices, "r")
    assert (made < np.array(radices)).all()
    assert len(np.unique(made, axis=0)) == len(given_)
    # Neither the others of the batch nor other formats in it make a difference.
    assert (KEY.permuted(given_[:1], radices, "r") == made[:1]).all()
    mixed = np.tile(np.array(radices), (len(given_), 1))
    mixed[::2] = 200
    again = KEY.permuted(given_, mixed, "r")
    assert (again[1::2] == made[1::2]).all()


def test_another_key_realm_or_format_has_another_permutation():
    given_ = spread(1000, [10] * 12)
    made = KEY.permuted(given_, [10] * 12, "r")
    others = [
        OTHER.permuted(given_, [10] * 12, "r"),
        KEY.permuted(given_, [10] * 12, "s"),
        KEY.permuted(given_, [10] * 11 + [11], "r"),
        KEY.permuted(np.hstack([given_, given_[:, :1]]), [10] * 13, "r")[:, :12],
    ]
    for other in others:
        # As often the same digit as by chance: 10 %, with a standard error of 0.27 %.
        assert abs((other == made).mean() - 0.1) < 0.015


@pytest.mark.parametrize("radices", [[10] * 6, [10] * 16, [16] * 31, [10] * 50])
def test_one_digit_changed_changes_them_all(radices):
    given_ = spread(4000, radices)
    for place in (0, len(radices) // 2, len(radices) - 1):
        changed = given_.copy()
        changed[:, place] = (changed[:, place] + 1) % radices[place]
        same = KEY.permuted(given_, radices, "r") == KEY.permuted(changed, radices, "r")
        wanted = 1 / radices[0]
        assert np.abs(same.mean(axis=0) - wanted).max() < 5.5 * np.sqrt(wanted / 4000)


@pytest.mark.parametrize("radices", [[10] * 7, [10] * 16, [16] * 31, [10] * 50])
def test_digits_of_numbers_in_a_row_are_spread_evenly(radices):
    given_ = np.zeros((20_000, len(radices)), np.uint8)
    number = np.arange(20_000)
    for j in range(1, 6):
        given_[:, -j] = number % radices[0]
        number = number // radices[0]
    made = KEY.permuted(given_, radices, "r")
    found = [stats.chisquare(np.bincount(made[:, j], minlength=radices[0])).pvalue
             for j in range(len(radices))]  # fmt: skip
    assert min(found) > 1e-5
    pairs = np.bincount(made[:, 0] * radices[0] + made[:, -1], minlength=radices[0] ** 2)
    assert stats.chisquare(pairs).pvalue > 1e-4


def test_short_formats_have_all_sorts_of_cycles_of_one():
    """One cycle through all, and not the same for all keys."""
    found = set()
    for i in range(20):
        made = Key(b"a secret of some length" + bytes([i])).permuted(every([10]), [10], "r")[:, 0]
        at, length = int(made[0]), 1
        while at:
            at, length = int(made[at]), length + 1
        assert length == 10
        found.add(tuple(made.tolist()))
    assert len(found) == 20


@pytest.mark.parametrize("size", [10, 4096, 4097, 10_007])
def test_all_numbers_are_on_one_cycle(size):
    made = KEY.permuted_numbers(np.arange(size, dtype=np.uint64), size, "r").tolist()
    at, length = made[0], 1
    while at:
        at, length = made[at], length + 1
    assert length == size


# --- bits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [8, 32, 128])
def test_bits_depend_on_what_comes_before_and_on_nothing_else(length):
    bits = np.random.default_rng(0).random((500, length)) < 0.5
    turned = KEY.turned(bits, "r")
    for place in (0, 1, length // 2, length - 1):
        changed = bits.copy()
        changed[:, place:] = ~changed[:, place:]
        assert (KEY.turned(changed, "r")[:, : place + 1] == turned[:, : place + 1]).all()
    assert abs(turned[:, length // 2 :].mean() - 0.5) < 0.06
    assert KEY.turned(bits[:0], "r").shape == (0, length)
    assert (OTHER.turned(bits, "r") != turned).any()
