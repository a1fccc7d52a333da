"""A draft as text: a TOML file with a reason beside each line, or a call in Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paribus._text import visible
from paribus._toml import key, value
from paribus.drafting._guess import Guess

_ORDER = ("audit", "model", "data", "protect", "fields")
_LINE = 100
_FUNCTIONS = {"map": "map_of", "copy": "copy_of"}
_POSITIONAL = {
    "map": ("of", "map"),
    "mimesis": ("method",),
    "integers": ("low", "high"),
    "constant": ("value",),
    "choice": ("values",),
    "dates": ("low", "high"),
}


# --- TOML -----------------------------------------------------------------------------------------


def toml(head: Sequence[str], guesses: Sequence[Guess], folder: Path) -> str:
    """Write the file.

    Parameters
    ----------
    head : sequence of str
        Remarks at its top.
    guesses : sequence of Guess
    folder : Path
        Where the file will be: paths within it start there.
    """
    out = [_comment(line) for line in head]
    for section in _ORDER:
        own = [guess for guess in guesses if guess.place[0] == section]
        lines = [guess for guess in own if len(guess.place) == 2 and _is_line(guess)]
        if lines and section in ("audit", "model", "data"):
            out += ["", f"[{section}]", *(line for g in lines for line in _line(g, folder))]
            own = [guess for guess in own if guess not in lines]
        for guess in own:
            out += ["", *_section(guess)]
    return "\n".join(out) + "\n"


def _is_line(guess: Guess) -> bool:
    return guess.place[0] in ("audit", "model", "data")


def _line(guess: Guess, folder: Path) -> Iterator[str]:
    if guess.value is None:
        yield from _wrapped(guess.reason)
        return
    held = guess.value
    if guess.place[1] == "path" and guess.sure:
        held = _relative(held, folder)
    text = f"{'' if guess.sure else '# '}{key(guess.place[1])} = {value(held)}"
    if len(text) + len(guess.reason) + 4 <= _LINE:
        yield f"{text}  {_comment(guess.reason)}" if guess.reason else text
        return
    yield from _wrapped(guess.reason)
    yield text


def _section(guess: Guess) -> Iterator[str]:
    yield from _wrapped(guess.reason)
    if guess.value is None:
        return
    mark = "" if guess.sure else "# "
    yield f"{mark}[{'.'.join(map(key, guess.place))}]"
    for name, held in guess.value.items():
        yield f"{mark}{key(name)} = {value(held)}"


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        # On Windows there is no way from one drive to another.
        return Path(path).absolute().as_posix()


def _comment(text: str) -> str:
    return f"# {visible(text)}".rstrip()


def _wrapped(text: str, width: int = _LINE) -> Iterator[str]:
    """Break a remark into lines; names that are long stay whole."""
    line = ""
    for word in visible(text).split(" "):
        if line and len(line) + len(word) + 3 > width:
            yield f"# {line}"
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield f"# {line}"


# --- Python ---------------------------------------------------------------------------------------


def call(guesses: Sequence[Guess], model: Any, data: Any, *, trust: bool) -> str:
    """Write the call of `paribus.audit`."""
    held = {guess.place: guess for guess in guesses if guess.sure and guess.value is not None}
    shown = repr(str(model)) if isinstance(model, str | Path) else "model"
    out = ["import paribus as pb", "", "record = pb.audit(", f"    {shown},"]
    own = {place[1]: guess.value for place, guess in held.items() if place[0] == "data"}
    if own:
        where = repr(str(data)) if isinstance(data, str | Path) else "data"
        out.append(f"    data={where},")
        measured = {k: v for k, v in own.items() if k != "path"}
        if measured:
            out.append(f"    measure={measured!r},")
    out.append("    protect={")
    for place, guess in held.items():
        if place[0] == "protect":
            out += _remarked(guess, f"{place[1]!r}: {_levels(guess.value)},")
    out.append("    },")
    if any(place[0] == "fields" for place in held):
        out.append("    fields={")
        for place, guess in held.items():
            if place[0] == "fields":
                out += _remarked(guess, f"{place[1]!r}: {_field(guess.value)},")
        out.append("    },")
    for section in ("model", "audit"):
        for place, guess in held.items():
            if place[0] == section and place[1] not in ("kind", "path"):
                told = f"  {_comment(guess.reason)}" if guess.told else ""
                out.append(f"    {place[1]}={guess.value!r},{told}")
    if trust:
        out.append("    trust=True,")
    return "\n".join([*out, ")", "print(record)"]) + "\n"


def _remarked(guess: Guess, line: str) -> Iterator[str]:
    for remark in _wrapped(guess.reason, _LINE - 8):
        yield f"        {remark}"
    yield f"        {line}"


def _levels(declared: Mapping[str, Any]) -> str:
    if set(declared) <= {"levels", "reference"} and declared["reference"] == declared["levels"][0]:
        return repr(list(declared["levels"]))
    return repr(dict(declared))


def _field(declared: Mapping[str, Any]) -> str:
    kind = declared["kind"]
    first = _POSITIONAL.get(kind, ())
    given = [repr(declared[name]) for name in first]
    given += [f"{k}={v!r}" for k, v in declared.items() if k != "kind" and k not in first]
    return f"pb.{_FUNCTIONS.get(kind, kind)}({', '.join(given)})"
