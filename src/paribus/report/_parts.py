"""What a page is made of: plain frozen data, the same for every format.

Every text in a part is safe to look at: it holds no control character and nothing that reorders a
line (see :func:`paribus._text.visible`). Escaping for a format is the work of that format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Tone = Literal["plain", "biased", "within tolerance", "inconclusive", "changed", "muted"]
"""Why a piece of text stands out; each format chooses its own colors and signs."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    form: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Statement:
    """One sentence that stands on its own, such as that of a finding."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Statements:
    """A list of sentences."""

    form: ClassVar[str] = "statements"
    title: str
    items: tuple[Statement, ...]
    folded: bool = False
    """Whether a format that can fold shows its title alone until a reader opens it."""
    detail: bool = False
    """Whether a short format may leave it out, since another part shows the same in brief."""


@dataclass(frozen=True)
class Column:
    """The head of a column."""

    title: str
    numeric: bool = False
    """Whether its cells line up at the right."""
    extra: bool = False
    """Whether a narrow format may leave it out."""
    both: bool = False
    """Whether the rows that belong together share its value, so that once is enough."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    tone: Tone = "plain"
    note: str = ""
    """Small print below, which a short format may leave out."""


@dataclass(frozen=True)
class Table:
    """A table with a title; every row has a cell for each column."""

    form: ClassVar[str] = "table"
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    detail: bool = False
    """Whether a short format may leave it out, since another part shows the same in brief."""
    brief: bool = False
    """Whether it stands for details, in a short format only."""
    folded: bool = False
    """Whether a format that can fold shows its title alone until a reader opens it."""
    chosen: int | None = None
    """The row that stands out."""
    beside: int = 1
    """How many rows belong together, such as a pair of twins."""


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    form: ClassVar[str] = "facts"
    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Listing:
    """Text to copy, with its line breaks."""

    form: ClassVar[str] = "listing"
    title: str
    text: str


@dataclass(frozen=True)
class Mark:
    """One row of a chart: a number with its interval."""

    label: str
    estimate: float
    low: float
    high: float
    text: str
    """The number in words, as all other parts write it."""
    span: str
    """The ends of the interval in words."""
    p: str = ""
    tone: Tone = "plain"
    reference: float | None = None
    """What the number is to be compared with, shown as a tick of its own."""


@dataclass(frozen=True)
class Guide:
    """A line across every row of a chart."""

    x: float
    label: str
    """What the line means; without words it goes unexplained."""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Chart:
    """What a chart shows, for a format to draw as it can.

    ``gaps`` are drawn against zero and the tolerance band, ``rates`` on an axis of their own,
    ``ratios`` against one and four fifths, and ``bars`` from zero to the number.
    """

    form: ClassVar[str] = "chart"
    kind: Literal["gaps", "rates", "ratios", "bars"]
    title: str
    description: str
    """What it shows, in words, for those who do not see it."""
    axis: str
    share: bool
    """Whether the numbers are shares (or gaps of shares), to be shown in hundredths."""
    marks: tuple[Mark, ...]
    band: tuple[float, float] | None = None
    """The tolerance, as the range of numbers that count as equal."""
    detail: bool = False
    """Whether a short format may leave it out, since another part shows the same in brief."""
    lines: tuple[Guide, ...] = ()
    """At most four, to be told apart without color."""
    band_label: str = ""
    """What the band means, for a legend."""
    reference_label: str = ""
    """What the references of the marks are, for a legend."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of the horizontal axis, and the number that holds along it."""

    start: float
    end: float
    mark: Mark


@dataclass(frozen=True)
class Curve:
    """Numbers with their intervals along an axis.

    ``steps`` hold along their stretch; a ``sequence`` narrows from point to point.
    """

    form: ClassVar[str] = "chart"
    kind: Literal["steps", "sequence"]
    title: str
    description: str
    along: str
    """What the horizontal axis shows."""
    axis: str
    share: bool
    stretches: tuple[Stretch, ...]
    band: tuple[float, float] | None = None
    detail: bool = False


@dataclass(frozen=True)
class Tile:
    """One cell of a heat map."""

    row: int
    column: int
    value: float
    text: str
    faint: bool = False
    """Whether few pairs stand behind it."""


@dataclass(frozen=True)
class HeatMap:
    """Numbers around zero over two axes; where nobody was asked, there is no tile."""

    form: ClassVar[str] = "chart"
    title: str
    description: str
    down: str
    """What the rows are."""
    along: str
    """What the columns are."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tiles: tuple[Tile, ...]
    legend: str
    """What the colors mean, in words."""
    detail: bool = False


@dataclass(frozen=True)
class Point:
    """A number along a line, with its interval where it has one."""

    x: float
    """Where the axis has labels, the position of one, counted from 0."""
    y: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    """The number in words."""
    alarm: bool = False
    """Whether it is marked with a star."""


@dataclass(frozen=True)
class Line:
    """A named line through points, joined in the order in which they stand."""

    label: str
    points: tuple[Point, ...]
    tone: Literal["plain", "muted"] = "plain"
    """A ``muted`` line is drawn thin and gray, without its intervals."""
    pen: int | None = None
    """Which color, dash and shape; None: by its place among the lines."""


@dataclass(frozen=True)
class Lines:
    """Named lines over two axes of numbers, or over labels and numbers.

    The first eight lines that are not muted are told apart by color, dash and shape; the others
    are drawn like muted ones, so the most telling come first.
    """

    form: ClassVar[str] = "chart"
    title: str
    description: str
    along: str
    """What the horizontal axis shows."""
    axis: str
    """What the vertical axis shows."""
    share: bool
    """Whether the numbers are shares (or gaps of shares), to be shown in hundredths."""
    lines: tuple[Line, ...]
    share_along: bool = False
    """Whether the places along the horizontal axis are shares too."""
    guide: Literal["none", "diagonal", "zero"] = "none"
    """A faint line to compare with; a ``diagonal`` gives both axes the same range."""
    band: tuple[float, float] | None = None
    """The tolerance, as the range of numbers that count as equal."""
    labels: tuple[str, ...] | None = None
    """Names of the places along the horizontal axis, in place of numbers."""
    log: bool = False
    """Whether the horizontal axis is logarithmic; if a place is not above zero, it is not."""
    alarm_label: str = "alarm"
    """What a star means."""
    guide_label: str = ""
    band_label: str = ""
    detail: bool = False
    """Whether a short format may leave it out, since another part shows the same in brief."""


@dataclass(frozen=True)
class Measured:
    """A number with its interval."""

    estimate: float
    low: float
    high: float
    text: str
    """The number in words."""


@dataclass(frozen=True)
class Dot:
    """Something with two numbers."""

    label: str
    along: Measured
    up: Measured
    tone: Tone = "plain"


@dataclass(frozen=True)
class Scatter:
    """Named dots over two axes of numbers, each axis with a threshold.

    The quadrant above both thresholds is flagged. The first twelve dots are labeled, as far as
    there is room.
    """

    form: ClassVar[str] = "chart"
    title: str
    description: str
    along: str
    axis: str
    share_along: bool
    share: bool
    dots: tuple[Dot, ...]
    threshold_along: float
    threshold: float
    range_along: tuple[float, float] | None = None
    """What the horizontal axis shows at least."""
    flagged_label: str = ""
    """What the flagged quadrant means."""
    threshold_label: str = ""
    """What the thresholds are."""
    detail: bool = False


@dataclass(frozen=True)
class Tradeoff:
    """Candidates over two axes: the gap that remains, and how well each predicts.

    A smaller gap and a higher score are better. The words of each number hold its interval. Up to
    eight candidates are named where they stand, if there is room; more are numbered and listed, up
    to sixteen of them.
    """

    form: ClassVar[str] = "chart"
    title: str
    description: str
    along: str
    """What the gap is."""
    axis: str
    """What the score is."""
    share_along: bool
    share: bool
    dots: tuple[Dot, ...]
    start: int | None = None
    """The place, among the dots, of the model as it is."""
    chosen: int | None = None
    """The place of the candidate that is recommended."""
    front: tuple[int, ...] = ()
    """The places of those that no other beats in both."""
    band: float | None = None
    """The tolerance: gaps up to this count as equal."""
    band_label: str = ""
    needs: tuple[int, ...] = ()
    """The places of those that must know the protected attribute to decide."""
    floor: float | None = None
    """A score that takes no model; far from all others it is left out."""
    floor_label: str = ""
    detail: bool = False


@dataclass(frozen=True)
class Heights:
    """How the numbers of one group are spread: one height for each bin."""

    label: str
    heights: tuple[float, ...]
    text: str = ""
    """A number that sums the group up, in words, such as its size."""


@dataclass(frozen=True)
class Histogram:
    """Distributions of several groups over the same bins, one below the other.

    The first eight groups are drawn, so the most telling come first; the outline of the very first
    is repeated behind the others.
    """

    form: ClassVar[str] = "chart"
    title: str
    description: str
    along: str
    """What the horizontal axis shows."""
    share_along: bool
    edges: tuple[float, ...]
    """Ends of the bins, rising: one more than there are bins."""
    groups: tuple[Heights, ...]
    cut: float | None = None
    """A threshold along the horizontal axis."""
    cut_label: str = ""
    detail: bool = False


Drawing = Chart | Curve | HeatMap | Lines | Scatter | Tradeoff | Histogram
Part = Paragraph | Statements | Table | Facts | Listing | Drawing


@dataclass(frozen=True)
class Section:
    """One question that the page answers."""

    title: str
    intro: tuple[Paragraph, ...]
    parts: tuple[Part, ...]
    brief: str = ""
    """What to say instead of all this where there is room for one line only."""


@dataclass(frozen=True)
class Page:
    """A record as a page."""

    title: str
    verdict: Literal["biased", "within tolerance", "inconclusive"] | None
    """None where numbers are shown and nothing is judged."""
    sentence: str
    """The verdict in one sentence that takes no statistics to read."""
    sections: tuple[Section, ...]
    advice: tuple[str, ...] = ()
    """What to do about it, the most important first: a short list below the sentence."""
    remarks: tuple[str, ...] = ()
    """What a reader must know together with the verdict."""
    leading: int = 0
    """How many of the remarks, from the first, say what to do and not only how to read it."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and numbers beside the verdict: how much was asked, and what counts as equal."""


@dataclass(frozen=True)
class Book:
    """Several pages as one, each a chapter."""

    title: str
    verdict: Literal["biased", "within tolerance", "inconclusive"] | None
    """The worst of the chapters; None where nothing is judged in any."""
    sentence: str
    chapters: tuple[Page, ...]
    advice: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    leading: int = 0
    facts: tuple[tuple[str, str], ...] = ()
