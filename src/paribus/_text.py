"""Numbers, intervals, p-values and plurals: one voice for all reports."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from unicodedata import bidirectional


def percent(share: float) -> str:
    """Write a share as a percentage with one decimal, and never a lying 0 or 100.

    Examples
    --------
    >>> percent(0.555533), percent(0.00004), percent(1.0), percent(0.99999)
    ('55.6 %', '<0.1 %', '100.0 %', '>99.9 %')
    """
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %"


def points(gap: float) -> str:
    """Write a gap of rates in signed percentage points.

    Examples
    --------
    >>> points(-0.555533), points(0.0), points(0.012)
    ('-55.6 points', '0.0 points', '+1.2 points')
    """
    text = f"{100 * gap:+.1f}"
    return "0.0 points" if text in {"+0.0", "-0.0"} else f"{text} points"


def number(value: float, *, signed: bool = False) -> str:
    """Write a number with four significant digits and thousands set apart.

    Examples
    --------
    >>> number(79997), number(0.012345), number(-3.0, signed=True), number(1e300)
    ('79,997', '0.01235', '-3', '1.000e+300')
    """
    sign = "+" if signed else ""
    if value == 0:
        return "0"
    if abs(value) >= 1e15:
        return f"{value:{sign}.3e}"
    if float(value).is_integer():
        return f"{int(value):{sign},d}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    if digits > 12:
        return f"{value:{sign}.3e}"
    text = f"{value:{sign},.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_number(value: float) -> str:
    """Write a number with all of its digits, thousands set apart.

    Examples
    --------
    >>> plain_number(79997.0), plain_number(0.125)
    ('79,997', '0.125')
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,d}"
    return f"{value:,}"


def p_value(p: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> p_value(0.0703125), p_value(1e-9), p_value(1.0)
    ('0.070', '<0.001', '1.000')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def interval(low: float, high: float, confidence: float, show: Callable[[float], str]) -> str:
    """Write an interval with its level.

    Examples
    --------
    >>> interval(0.546, 0.565, 0.95, percent)
    '95 % interval 54.6 % to 56.5 %'
    """
    return f"{confidence * 100:g} % interval {show(low)} to {show(high)}"


def count(n: int, noun: str) -> str:
    """Count a noun, with its plural.

    Examples
    --------
    >>> count(1, "pair"), count(1200, "pair")
    ('1 pair', '1,200 pairs')
    """
    return f"{n:,} {noun if n == 1 else noun + 's'}"


def about(n: int) -> str:
    """Write a number of people that nobody knows to the last one, rounded up to two digits.

    Examples
    --------
    >>> about(1_873), about(49), about(120_400)
    ('about 1,900', 'about 49', 'about 130,000')
    """
    step = 10 ** max(0, len(str(n)) - 2)
    return f"about {-(-n // step) * step:,}"


def visible(text: object) -> str:
    r"""Write text that somebody else chose so that it can be read but cannot act.

    Control characters, marks that reorder a line and code points that no document may hold turn
    into a visible character; line breaks and tabs turn into spaces. One character stays one
    character.

    Examples
    --------
    >>> visible("red\x1b[31m"), visible("a\u202eb"), visible("two\nlines")
    ('red␛[31m', 'a�b', 'two lines')
    """
    return str(text).translate(_VISIBLE)


def legible(sentence: object) -> str:
    r"""Write a sentence of ours as `visible` writes text; names that are set apart in it stay so.

    Examples
    --------
    >>> legible(f"to {name(chr(0x5D0))}\x07") == "to \u2068\u05d0\u2069␇", legible("a\u2068b")
    (True, 'a�b')
    """
    # A pair of these marks keeps what is between them from reaching what is around them.
    parts = _APART.split(str(sentence))
    shown = [visible(part) for part in parts]
    return "".join(f"\u2068{part}\u2069" if i % 2 else part for i, part in enumerate(shown))


_APART = re.compile("\u2068([^\u2066-\u2069]*)\u2069")


def shortened(text: str, limit: int = 48) -> str:
    """Cut a long text in its middle, so that names with the same beginning can be told apart.

    Examples
    --------
    >>> shortened("x" * 10_000 + "end", 12)
    'xxxxxxx…xend'
    """
    tail = limit // 3
    return text if len(text) <= limit else f"{text[: limit - tail - 1]}…{text[-tail:]}"


def name(text: object, limit: int = 48) -> str:
    r"""Write a name that somebody else chose inside a sentence of ours.

    It is made visible and short, and names written from right to left are set apart, so that the
    sentence around them keeps its order.

    Examples
    --------
    >>> name("Female"), name(""), name(" "), name("\u05d0\u05d1") == "\u2068\u05d0\u05d1\u2069"
    ('Female', '(empty)', '(blank)', True)
    """
    short = _seen(shortened(visible(text), limit))
    turned = any(bidirectional(character) in {"R", "AL", "AN"} for character in short)
    return f"\u2068{short}\u2069" if turned else short


def value(content: object) -> str:
    r"""Write one value that somebody else chose, in a cell of its own.

    Examples
    --------
    >>> value(0.125), value(float("nan")), value(None), value(""), value(" "), value("a\x07b")
    ('0.125', 'nan', 'missing', '(empty)', '(blank)', 'a␇b')
    """
    if content is None:
        return "missing"
    if isinstance(content, float) and math.isfinite(content):
        return number(content)
    return _seen(shortened(visible(content)))


def _seen(text: str) -> str:
    if text.strip():
        return text
    return "(blank)" if text else "(empty)"


def logged(text: str) -> str:
    """Write plain text so that no line of it is a command to what runs a build.

    GitHub takes a line that begins with two colons for one, blanks before it or not, and Azure
    Pipelines whatever begins with two hashes and a bracket. One character stays one character.

    Examples
    --------
    >>> logged("  ::error::x"), logged("a ##vso[b]"), logged("a::b ## c")
    ('  :·error::x', 'a #·vso[b]', 'a::b ## c')
    """
    return _COMMAND.sub(r"\1·", text)


_COMMAND = re.compile(r"(^(?:\s|\x1b\[[\d;]*m)*:):|(?<=#)#(?=\w*\[)", re.MULTILINE)
"""What begins a command; of a colored line, after its color."""

_VISIBLE: dict[int, int] = {
    **{code: 0x2400 + code for code in range(0x20)},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    **dict.fromkeys((0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF), 0xFFFD),
    **dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0), 0xFFFD),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2060, 0x2070)), 0xFFFD),
    **dict.fromkeys((*range(0xD800, 0xE000), *range(0xFFF9, 0xFFFD)), 0xFFFD),
    **{0x10000 * plane + last: 0xFFFD for plane in range(17) for last in (0xFFFE, 0xFFFF)},
    **dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), 0x20),
}
