"""What a header and the values below it say of a column, thing by thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from paribus._text import percent
from paribus.anonymizing.detection import _vocabularies as vocabularies
from paribus.anonymizing.detection._headers import Header
from paribus.anonymizing.detection._locale import phones
from paribus.anonymizing.detection._profile import Profile
from paribus.anonymizing.patterns import Sort

_PEOPLE = {"name", "first name", "last name"}
CODED = {
    "sex", "age", "job", "education", "marital status", "ethnicity", "nationality", "language",
    "religion", "health", "politics", "orientation", "union", "region", "country", "city",
    "postcode", "company",
}  # fmt: skip
"""Sorts that numbers may stand for."""
_ABOUT_THINGS = _PEOPLE | {
    "city", "region", "country", "address", "phone", "postcode", "coordinates", "id", "url",
    "company", "text", "date", "email", "age", "language",
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """One thing that was seen: points in logits, and the words for it ("" where none are due)."""

    sort: str
    points: float
    said: str = ""


# --- headers --------------------------------------------------------------------------------------


def of_header(header: Header, profile: Profile) -> Iterator[Evidence]:
    for sort, (points, word) in header.hits.items():
        said = f'the header says "{word}"'
        if header.around and sort != "none":
            yield Evidence(sort, points * 0.2)
        elif header.thing and sort in _ABOUT_THINGS and sort != "none":
            yield Evidence(sort, points * (0.6 if sort == "id" else 0.2), said)
        else:
            yield Evidence(sort, points, said)
    if header.around:
        yield Evidence("none", 4.0, "the header names a property of such a value, not the value")
    elif header.thing and set(header.hits) & _ABOUT_THINGS:
        yield Evidence("none", 2.5, "the header is about a thing, not a person")


# --- values ---------------------------------------------------------------------------------------


def _points(share: float) -> float:
    """Give points for a share of values that fit a pattern nothing else has."""
    for least, points in ((0.95, 9.0), (0.8, 7.5), (0.5, 5.5), (0.2, 3.0), (0.05, 1.0)):
        if share >= least:
            return points
    return -5.0


def _listed(share: float) -> float:
    """Give points for a share of values that lists know; lists never have all names."""
    for least, points in (
        (0.9, 6.0),
        (0.7, 5.0),
        (0.5, 4.0),
        (0.35, 2.5),
        (0.25, 0.5),
        (0.1, -1.0),
    ):
        if share >= least:
            return points
    return -2.5


def of_values(header: Header, profile: Profile) -> Iterator[Evidence]:
    if profile.type == "null":
        return
    if profile.type == "truth":
        yield Evidence("none", 3.0, "the values are true or false")
        return
    if profile.type in ("date", "moment"):
        yield from _times(profile)
        return
    if profile.type == "clock":
        yield Evidence("none", 2.0, "the values are times of day or durations")
        return
    if profile.type in ("whole", "real"):
        yield from _numbers(header, profile)
        return
    if not len(profile.distinct):
        return
    seen = [
        *_patterns(header, profile),
        *_codes(header, profile),
        *_vocabulary(header, profile),
        *_lists(header, profile),
    ]
    yield from seen
    # Categories are of no person unless they are of a sort that people come in.
    if profile.is_category and max((each.points for each in seen), default=0.0) < 3:
        yield Evidence("none", 1.5, "the same few values come again and again")


def _patterns(header: Header, profile: Profile) -> Iterator[Evidence]:
    sorts: tuple[tuple[Sort, str], ...] = (
        ("email", "email addresses"),
        ("url", "links"),
        ("ip", "IP addresses"),
        ("iban", "IBANs with valid check digits"),
        ("card", "card numbers with a valid check digit"),
    )
    for sort, what in sorts:
        share = profile.like(sort)
        if share >= 0.05 or sort in header.hits:
            points = _points(share)
            if sort == "card" and len(profile.distinct) < 8:
                points = min(points, 3.0)
            if sort == "ip" and profile.version_share > 0.9 and not _octets(profile):
                points = min(points, 1.0)
            yield Evidence(sort, points, f"{percent(share)} of the values are {what}")
    share = profile.like("mac")
    if share >= 0.2:
        yield Evidence("id", _points(share), f"{percent(share)} of the values are MAC addresses")
    share = profile.like("national_id")
    if share >= 0.5:
        said = f"{percent(share)} of the values have the form and check digits of a national ID"
        yield Evidence("national id", _points(share) - 2.0, said)
    elif "national id" in header.hits and profile.digit_share < 0.5:
        yield Evidence("national id", -4.0, "most of the values have no digit")
    if profile.date_share >= 0.5:
        yield from _times(profile)
    share = profile.handle_share
    if share >= 0.5:
        yield Evidence("username", _points(share), f"{percent(share)} of the values are handles")
    elif "username" in header.hits:
        good = profile.login_share >= 0.5 and not profile.is_category
        yield Evidence("username", 1.0 if good else -1.0)
    if profile.json_share >= 0.8:
        yield Evidence("text", 8.0, f"{percent(profile.json_share)} of the values are JSON")
    if profile.pair_share >= 0.8:
        yield Evidence("coordinates", 6.0, "the values are pairs of coordinates")
    if profile.diagnosis_share >= 0.9 and len(profile.distinct) >= 5 and "health" in header.hits:
        yield Evidence("health", 2.0, "the values have the form of codes of ICD-10")
    yield from _written(header, profile)


def _octets(profile: Profile) -> bool:
    """Tell whether numbers between points reach higher than versions do."""
    return profile.share(r"\b(6[5-9]|[7-9]\d|1\d\d|2[0-5]\d)\b") > 0.3


def _written(header: Header, profile: Profile) -> Iterator[Evidence]:
    """Text of several words: streets, companies, comments."""
    words, length = profile.words, profile.length
    share = profile.street_share
    numbered = profile.digit_share
    if share >= 0.3 and numbered >= 0.5 and words < 12:
        said = f"{percent(share)} of the values have a word for a street and most have a number"
        yield Evidence("address", 3.0 + 3.0 * share, said)
    elif share >= 0.5 and profile.letter_share > 0.9 and words < 8 and "address" in header.hits:
        yield Evidence("address", 2.0, f"{percent(share)} of the values have a word for a street")
    elif "address" in header.hits and profile.is_category and words < 2:
        yield Evidence("address", -3.0, "the same few values come again and again")
    share = profile.numbered_share
    if share >= 0.7 and profile.spread >= 0.8 and profile.street_share < 0.3 and length >= 8:
        said = f"{percent(share)} of the values are words and a number, as addresses are"
        yield Evidence("address", 4.0 if len(profile.distinct) >= 10 else 1.0, said)
    share = profile.firm_share
    if share >= 0.1 and profile.letter_share > 0.9:
        said = f"{percent(share)} of the values end like names of companies"
        yield Evidence("company", 1.5 + 4.0 * share, said)
    if words >= 5 and length >= 25 and not profile.is_category:
        yield Evidence("text", min(1.0 + words / 2, 5.0), f"{words:.0f} words on average")
    elif "text" in header.hits and (words < 2.5 or profile.is_category):
        yield Evidence("text", -4.0, "the values are short")
    if words > 7:
        for sort in _PEOPLE | {"city", "job", "company", "username", "id"}:
            yield Evidence(sort, -3.0)


def _codes(header: Header, profile: Profile) -> Iterator[Evidence]:
    # Digits alone are no digest: a card has 16 of them.
    if profile.hex_share >= 0.9 and profile.share("(?i)[a-f]") >= 0.5:
        yield Evidence("id", 8.0, "the values are UUIDs or digests")
        yield Evidence("password", 4.0 if "password" in header.hits else 0.0)
        return
    dated = profile.date_share >= 0.5 or (profile.like("ip") > 0.9 and _octets(profile))
    if not dated and profile.version_share >= 0.95 and profile.share(r"\..*\.|v") >= 0.9:
        yield Evidence("none", 4.0, "the values are versions")
        return
    if profile.number_share >= 0.95 and profile.share(r"[.,]") >= 0.3:
        yield Evidence("none", 4.0, "the values are amounts")
        return
    compact = profile.words < 2.2 and profile.length <= 40 and profile.digit_share >= 0.7
    code = compact and not profile.is_category and profile.date_share < 0.5
    if code and profile.street_share < 0.3:
        uniform, spread = profile.uniformity, profile.spread
        if uniform >= 0.6 and spread >= 0.5 and len(profile.distinct) >= 5:
            numeric = profile.letter_share < 0.05 and profile.length < 6
            points = (4.5 if spread >= 0.9 else 3.0) - (3.0 if numeric else 0.0)
            yield Evidence("id", points / 2, f"{percent(uniform)} of the values have one format")
            yield Evidence("id", points / 2, _distinct(spread))
        elif spread >= 0.9 and len(profile.distinct) >= 20 and profile.share(r"[\pL]\d|\d") > 0.9:
            yield Evidence("id", 1.0, "the values are short codes")
            yield Evidence("id", 1.0, _distinct(spread))
    if "id" in header.hits:
        yield from _keys(header, profile)
    if profile.postcode_share >= 0.8:
        points = 5.5 if profile.share(r"\pL") >= 0.5 else 4.8
        share = percent(profile.postcode_share)
        yield Evidence("postcode", points, f"{share} of the values have the form of a postcode")
    elif "postcode" in header.hits and profile.postcode_shape < 0.3:
        yield Evidence("postcode", -4.0, "the values do not have the form of a postcode")
    if "age" in header.hits and profile.band_share < 0.3 and profile.number_share < 0.5:
        yield Evidence("age", -4.0, "the values are no numbers")
    elif "age" in header.hits:
        yield Evidence("age", 1.0)


def _distinct(spread: float) -> str:
    return f"{percent(spread)} of the values are distinct"


def _keys(header: Header, profile: Profile) -> Iterator[Evidence]:
    """Say whether what is called an ID tells rows apart."""
    spread = profile.spread
    if spread >= 0.9 and len(profile.distinct) >= 5:
        yield Evidence("id", 1.5, _distinct(spread))
    elif profile.is_category and not header.person:
        yield Evidence("id", -3.5, "the same few values come again and again")
    elif header.thing and spread < 0.5:
        yield Evidence("id", -1.5, "it repeats")


def _vocabulary(header: Header, profile: Profile) -> Iterator[Evidence]:
    if profile.is_sex:
        yield Evidence("sex", 7.0, "the values are words for the two sexes")
    elif "sex" in header.hits and len(profile.distinct) > 12:
        yield Evidence("sex", -4.0, f"{len(profile.distinct)} different values are too many")
    if len(profile.distinct) > 60 or not profile.is_category:
        return
    for sort, vocabulary, what in (
        ("marital status", vocabularies.MARITAL, "words for marital status"),
        ("ethnicity", vocabularies.ETHNICITY, "words for ethnicity"),
        ("religion", vocabularies.RELIGION, "words for religions"),
        ("education", vocabularies.EDUCATION, "words for education"),
    ):
        share = profile.says(vocabulary)
        sure = "ethnicity" in header.hits or profile.says(vocabularies.ETHNICITY_SURE)
        if sort == "ethnicity" and not sure:
            share = 0.0
        if share >= 0.5:
            said = f"{percent(share)} of the different values are {what}"
            yield Evidence(sort, 3.0 + 3.5 * share, said)
        elif share >= 0.25 and sort in header.hits:
            yield Evidence(sort, 1.0, f"{percent(share)} of the different values are {what}")


def _lists(header: Header, profile: Profile) -> Iterator[Evidence]:
    if profile.letter_share < 0.7 or profile.words > 8 or profile.like("email") > 0.5:
        if _PEOPLE & set(header.hits):
            for sort in _PEOPLE:
                yield Evidence(sort, -3.0, "the values do not look like names")
        return
    few = 0.5 if len(profile.distinct) < 8 else 1.0
    full, first, last = profile.people
    city, region, country, job = (
        profile.listed(kind) for kind in ("city", "region", "country", "job")
    )
    places = max(city, region, country, job, profile.nationality_share)
    digits = profile.digit_share > 0.3
    elsewhere = bool(set(header.hits) - {"none", "id", "username"}) and not (
        _PEOPLE & set(header.hits)
    )
    for sort, share, rival in (
        ("name", full, 0.0),
        ("first name", first, last),
        ("last name", last, first),
    ):
        if share < 0.05 and sort not in header.hits:
            continue
        said = f"{percent(share)} of the values are {sort}s that Mimesis lists"
        points = _listed(share)
        if points > 0:
            points *= few * (0.6 if profile.is_category else 1.0)
            # Many towns are surnames; under a header of towns they are towns.
            points *= 0.5 if elsewhere else 1.0
            # Madison is a name, too: what more of the values are is likelier.
            points -= 3.0 * max(0.0, max(places, rival) - share) + (3.0 if digits else 0.0)
        elif profile.is_category or not _is_named(profile):
            points -= 1.5
        elif sort in header.hits and header.hits[sort][0] >= 4.5:
            # Names of a country without a list.
            points += 1.0
        if points < 0:
            said = f"only {percent(share)} of the values are on lists of {sort}s"
        yield Evidence(sort, points, said)
    nationality = profile.nationality_share
    for sort, share in (
        ("city", city),
        ("region", region),
        ("country", country),
        ("job", job),
        ("nationality", nationality),
    ):
        if profile.length < 3.5 and sort not in header.hits:
            continue  # Abbreviations stand for too much.
        if share >= 0.15 or (sort in header.hits and share >= 0.05):
            points = max(_listed(share), 0.0) * (0.7 if few < 1 else 1.0)
            points -= 3.0 * max(0.0, max(first, last, full, places) - share)
            if points > 0:
                noun = _PLURALS.get(sort, f"{sort}s")
                said = f"{percent(share)} of the values are {noun} that Mimesis lists"
                yield Evidence(sort, points, said)


_PLURALS = {"city": "cities", "country": "countries", "nationality": "nationalities"}


def _is_named(profile: Profile) -> bool:
    """Tell whether values are written like names: few words of letters, not often the same."""
    shape = r"^[\pL\pM'’.\- ,()\"]{1,60}$"
    return profile.words <= 5 and profile.share(shape) > 0.9


# --- numbers and times ----------------------------------------------------------------------------


def _numbers(header: Header, profile: Profile) -> Iterator[Evidence]:
    low, high = profile.range
    if profile.type == "real":
        yield Evidence("none", 2.0, "the values are numbers with a fraction")
    if "age" in header.hits:
        fits = low >= 0 and high <= 125
        yield Evidence("age", 1.5 if fits else -5.0, f"the values {_are(fits)} between 0 and 125")
    if "coordinates" in header.hits:
        fits = low >= -180 and high <= 180
        yield Evidence("coordinates", 1.0 if fits else -3.0, f"the values {_are(fits)} degrees")
    if profile.type != "whole":
        return
    if "birth date" in header.hits:
        year = (low >= 1880 and high <= 2030) or (low >= 18_800_101 and high <= 20_301_231)
        month = low >= 1 and high <= 31
        yield Evidence("birth date", 1.0 if year or month else -2.0)
    if "postcode" in header.hits and (low < 0 or high > 9_999_999_999 or high < 100):
        yield Evidence("postcode", -4.0, "the numbers are no postcodes")
    if "income" in header.hits and high <= 1:
        yield Evidence("income", -1.5)
    if "phone" in header.hits and high < 100_000:
        yield Evidence("phone", -6.0, "the numbers are too small for phones")
    if "national id" in header.hits and high < 10_000:
        yield Evidence("national id", -5.0, "the numbers are too small")
    if "card" in header.hits or profile.luhn:
        share = profile.like("card")
        if share >= 0.05 or "card" in header.hits:
            said = f"{percent(share)} of the values are card numbers with a valid check digit"
            yield Evidence("card", _points(share), said)
    if set(header.hits) & CODED - {"age", "postcode", "city", "region"} and high - low > 10_000:
        for sort in CODED - {"age", "postcode"}:
            if sort in header.hits:
                yield Evidence(sort, -2.0)
    wide = profile.uniformity >= 0.95 and low >= 100_000 and profile.spread >= 0.98
    if "id" in header.hits:
        yield from _keys(header, profile)
        if low < 0:
            yield Evidence("id", -3.0, "some are negative")
    elif wide and len(profile.distinct) >= 20 and low >= 1_000_000:
        said = f"{percent(profile.spread)} of the numbers are distinct and all are equally long"
        yield Evidence("id", 3.2, said)


def _are(fits: bool) -> str:
    return "are" if fits else "are not all"


def _times(profile: Profile) -> Iterator[Evidence]:
    yield Evidence("date", 4.0, "the values are dates")
    if profile.has_hours:
        yield Evidence("birth date", -4.0, "the values have a time of day")
    elif profile.of_births:
        yield Evidence("birth date", 5.5, "the dates are spread like births of living people")
        yield Evidence("date", -4.0)
    elif len(profile.years):
        yield Evidence("birth date", -0.5)


# --- what needs more than one look ----------------------------------------------------------------


def of_phones(header: Header, profile: Profile, region: str) -> tuple[list[Evidence], str]:
    expected = header.hits.get("phone", (0.0, ""))[0] > 0
    if profile.type not in ("text", "whole") or not len(profile.distinct):
        return [], region
    shape = profile.like("phone")
    digits = profile.share(r"^\+?[\d ().\-/]{6,24}$")
    if not expected and (shape < 0.3 or profile.type == "whole"):
        return [], ""
    if digits < 0.3:
        return [Evidence("phone", -5.0, "the values are no numbers")], region
    tried = profile.tested
    valid, country = phones(tried, region)
    out = []
    marked = profile.share(r"^\+\d|^\(\d{2,5}\)|^0\d{1,4}[ -]\d")
    if profile.like("national_id") < 0.8 and profile.postcode_share < 0.5:
        if valid >= 0.3:
            said = f"{percent(valid)} of the values are phone numbers that can exist ({country})"
            points = 1.5 + 4.5 * valid + (1.5 if marked > 0.5 else 0.0)
            out.append(Evidence("phone", points, said))
        elif shape >= 0.5:
            said = f"{percent(shape)} of the values are written like phone numbers"
            out.append(Evidence("phone", 2.5 + 3.0 * (marked > 0.5), said))
        elif expected:
            out.append(Evidence("phone", 0.5))
    return out, country or region
