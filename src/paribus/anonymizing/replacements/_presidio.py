"""Microsoft Presidio as a further finder of people and places in free text."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.marking import Marked, Pieces, Sort
from paribus.errors import DataError

_SORTS: dict[str, Sort] = {"PERSON": "name", "LOCATION": "place"}
_DEFAULT = "en_core_web_lg"


class Engine(NamedTuple):
    """An analyzer of Presidio and the language that it reads."""

    analyzer: Any
    language: str


def check(model: str) -> None:
    """Refuse where Presidio, spaCy or the model is not installed. Nothing is ever fetched.

    Raises
    ------
    DataError
        One sentence that says what to install.
    """
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise DataError(
            'asks for Presidio, which is not installed; pip install "paribus[presidio]", '
            "or leave finder out"
        )
    name = model or _DEFAULT
    if importlib.util.find_spec(name) is None:
        raise DataError(
            f'asks for the spaCy model "{name}", which is not installed; '
            f"python -m spacy download {name}"
        )


@cache
def loaded(model: str) -> Engine:
    """Load a model that is installed, once."""
    import spacy

    return engine(spacy.load(model or _DEFAULT))


def engine(nlp: Any) -> Engine:
    """Give Presidio over a pipeline of spaCy: its people and places alone.

    What Presidio finds by patterns is found already, with checksums and in linear time.
    """
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    language = nlp.lang
    known = RecognizerRegistry(supported_languages=[language])
    known.add_recognizer(
        SpacyRecognizer(supported_language=language, supported_entities=list(_SORTS))
    )
    spacy_engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": nlp.lang}])
    # A pipeline that is there already keeps Presidio from fetching one.
    spacy_engine.nlp = {language: nlp}
    found = AnalyzerEngine(registry=known, nlp_engine=spacy_engine, supported_languages=[language])
    return Engine(found, language)


def mark(marked: Marked, engine: Engine) -> Marked:
    """Find people and places in what is plain text still."""
    worth = pc.fill_null(pc.match_substring_regex(marked.texts, r"\pL"), False)
    rows = np.flatnonzero(worth.to_numpy(zero_copy_only=False))
    cuts: list[Pieces] = []
    for text in marked.texts.take(pa.array(rows)).to_pylist():
        said = engine.analyzer.analyze(text=text, language=engine.language, entities=list(_SORTS))
        cuts.append(_cut(text, sorted((r.start, -r.end, r.entity_type) for r in said)))
    return marked.cut(rows, cuts)


def _cut(text: str, spans: list[tuple[int, int, str]]) -> Pieces:
    pieces: Pieces = []
    at = 0
    for start, minus_end, entity in spans:
        whole = text[start:-minus_end]
        # What has been found before stands in the text as a noncharacter.
        if start >= at and not any("\ufdd0" <= c <= "\ufdef" for c in whole):
            pieces += [(None, text[at:start]), (_SORTS[entity], whole)]
            at = -minus_end
    return [*pieces, (None, text[at:])]
