"""Which language and country a table speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.detection._headers import Header
from paribus.anonymizing.detection._profile import Profile
from paribus.people.fields.mimesis import locales

_REGIONS = {
    "en": "US", "ja": "JP", "ko": "KR", "zh": "CN", "cs": "CZ", "da": "DK", "el": "GR", "fa": "IR",
    "kk": "KZ", "sv": "SE", "uk": "UA", "et": "EE", "sr": "RS", "sl": "SI", "vi": "VN", "he": "IL",
}  # fmt: skip
_PARSED = 200
"""Phones that are parsed: each costs 50 microseconds."""


def region_of(locale: str) -> str:
    """Give the country of a locale, as phones name it.

    Examples
    --------
    >>> region_of("pt-br"), region_of("de"), region_of("ja")
    ('BR', 'DE', 'JP')
    """
    language, _, country = locale.partition("-")
    return (country or _REGIONS.get(language, language)).upper()


def phones(texts: pa.Array, region: str) -> tuple[float, str]:
    """Parse some phone numbers.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
    region : str
        Where numbers without a prefix are from.

    Returns
    -------
    tuple of (float, str)
        Share of numbers that could exist, and the country that most of them are from.
    """
    import phonenumbers as pn

    tried = texts[:_PARSED].to_pylist()
    countries: Counter[str] = Counter()
    good = 0
    for text in tried:
        try:
            number = pn.parse(text, region)
        except pn.NumberParseException:
            continue
        if pn.is_valid_number(number):
            good += 1
            countries[pn.region_code_for_number(number) or region] += 1
        elif "+" in text and pn.is_possible_number(number):
            # Invented numbers are often of no area that exists, and yet of a country.
            good += 1
            countries[pn.region_code_for_country_code(number.country_code or 0)] += 1
    most = countries.most_common(1)
    return good / max(len(tried), 1), most[0][0] if most else ""


def guess(headers: Iterable[Header], profiles: Iterable[Profile]) -> tuple[str, str]:
    """Guess the locale of a table from its headers, names and phones.

    Returns
    -------
    tuple of (str, str)
        The locale, ``"en"`` where nothing says any, and what it was guessed from.
    """
    every = locales()
    votes: dict[str, float] = dict.fromkeys(every, 0.0)
    told: set[str] = set()

    def vote(locale: str, points: float, source: str) -> None:
        votes[locale] += points
        told.add(source)

    spoken: dict[str, float] = {}
    for header in headers:
        for language, words in header.languages.items():
            spoken[language] = spoken.get(language, 0.0) + words
    total = sum(spoken.values())
    for locale in every:
        said = spoken.get(locale.partition("-")[0], 0.0) / total if total else 0.0
        if said:
            vote(locale, said, "headers")
    for profile in profiles:
        if profile.type != "text" or not len(profile.distinct):
            continue
        prefixed = profile.distinct[:_PARSED]
        prefixed = prefixed.filter(pc.match_substring_regex(prefixed, r"^\+\d[\d ().-]{6,}$"))
        if len(prefixed) >= 5:
            share, country = phones(prefixed, "ZZ")
            for locale in every:
                if share > 0.5 and region_of(locale) == country:
                    vote(locale, 1.0, "phones")
        # Names of a category say nothing: red and amber are names, too.
        if profile.is_category or profile.letter_share < 0.9 or profile.words > 4:
            continue
        _, first, last = profile.people
        full = profile.people[0]
        for kind, share in (("first", max(first, full)), ("last", max(last, full))):
            if share < 0.5:
                continue
            known = names.locales_of(profile.tokens[0], "first" if kind == "first" else "last")
            best = max(known.values(), default=0.0)
            for locale, own in known.items():
                if best:
                    vote(locale, 0.75 * own / best, "names")
    if not told:
        return "en", ""
    # Of locales that say the same, the one that names no country.
    locale = max(votes, key=lambda each: (round(votes[each], 3), "-" not in each, each))
    sources = [source for source in ("headers", "names", "phones") if source in told]
    return locale, ", ".join(sources)
