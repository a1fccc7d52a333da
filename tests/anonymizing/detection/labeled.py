# ruff: noqa: E501, SIM905 (one line a column)
"""Columns with the truth about them: names of columns from public data sets, values from Mimesis.

Each source has an honest header; where its values speak for themselves it also stands below headers
that say nothing, and hard cases stand below a header that says the wrong thing. `HELD_OUT` was
written before the detection was tuned, and `DEVELOPMENT` is what it was tuned on.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

ROWS = 300

ROLES = {
    **dict.fromkeys(
        "name|first name|last name|email|phone|address|national id|id|iban|card|ip|url|username"
        "|password|text|nested|binary".split("|"),
        "direct",
    ),
    **dict.fromkeys(
        "birth date|age|sex|postcode|city|region|country|coordinates|job|company|marital status"
        "|education|ethnicity|nationality|language".split("|"),
        "combination",
    ),
    **dict.fromkeys("religion|health|politics|orientation|union|income".split("|"), "sensitive"),
    "date": "none",
    "none": "none",
    "clean text": "none",
}
"""What a column of each sort does; told once more than in the package, so that a test can differ."""

Maker = Callable[[np.random.Generator, str], Sequence[Any]]


@dataclass(frozen=True)
class Source:
    header: str
    sort: str
    make: Maker
    opaque: bool = False
    """Whether the values alone say what they are."""
    misleading: str = ""
    """A header that says something else of the same values, where a reader would not be misled."""


@dataclass(frozen=True)
class Labeled:
    table: str
    header: str
    sort: str
    variant: str

    @property
    def role(self) -> str:
        return ROLES[self.sort]


def tables(half: dict[str, tuple[str, list[Source]]]) -> list[tuple[pa.Table, str, list[Labeled]]]:
    """Build the tables of a half: each data set with honest, opaque and misleading headers."""
    out = []
    for number, (name, (locale, sources)) in enumerate(half.items()):
        columns = {}
        for place, source in enumerate(sources):
            columns[source.header] = pa.array(
                list(source.make(np.random.default_rng([number, place]), locale))
            )
        honest = [Labeled(name, s.header, s.sort, "honest") for s in sources]
        out.append((pa.table(columns), locale, honest))
        for variant in ("opaque", "misleading"):
            chosen = [s for s in sources if (s.opaque if variant == "opaque" else s.misleading)]
            if chosen:
                heads = [
                    f"c{17 + i}" if variant == "opaque" else s.misleading
                    for i, s in enumerate(chosen)
                ]
                table = pa.table([columns[s.header] for s in chosen], names=heads)
                labels = [
                    Labeled(name, head, s.sort, variant)
                    for head, s in zip(heads, chosen, strict=True)
                ]
                out.append((table, locale, labels))
    return out


# --- makers ---------------------------------------------------------------------------------------


def mimesis(method: str, **arguments: Any) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[Any]:
        from mimesis import Generic, Locale

        generic = Generic(Locale(locale), seed=int(rng.integers(1 << 30)))
        provider, _, name = method.partition(".")
        ask = getattr(getattr(generic, provider), name)
        return [ask(**arguments) for _ in range(ROWS)]

    return make


def either(*values: Any, p: Sequence[float] | None = None) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[Any]:
        return [values[i] for i in rng.choice(len(values), ROWS, p=p)]

    return make


def whole(low: int, high: int) -> Maker:
    return lambda rng, locale: rng.integers(low, high, ROWS).tolist()


def real(low: float, high: float, digits: int = 2) -> Maker:
    return lambda rng, locale: np.round(rng.uniform(low, high, ROWS), digits).tolist()


def amounts(scale: float = 4.0) -> Maker:
    return lambda rng, locale: np.round(rng.lognormal(scale, 1.0, ROWS), 2).tolist()


def rows(start: int = 1) -> Maker:
    return lambda rng, locale: list(range(start, start + ROWS))


def distinct(low: int, high: int) -> Maker:
    return lambda rng, locale: (low + rng.choice(high - low, ROWS, replace=False)).tolist()


def coded(mask: str) -> Maker:
    """Fill a mask: # a digit, @ a capital, ? a capital or digit, x a hexadecimal digit."""
    known = {
        "#": "0123456789",
        "@": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "?": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789",
        "~": "0123456789abcdef",
    }

    def make(rng: np.random.Generator, locale: str) -> list[str]:
        drawn = [
            np.array(list(known[c]))[rng.integers(0, len(known[c]), ROWS)].tolist()
            if c in known
            else [c] * ROWS
            for c in mask
        ]
        return ["".join(row) for row in zip(*drawn, strict=True)]

    return make


def dates(first: str, last: str) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[datetime.date]:
        low, high = (datetime.date.fromisoformat(day) for day in (first, last))
        days = rng.integers(0, (high - low).days, ROWS).tolist()
        return [low + datetime.timedelta(days=day) for day in days]

    return make


def dates_as(pattern: str, first: str, last: str) -> Maker:
    return lambda rng, locale: [day.strftime(pattern) for day in dates(first, last)(rng, locale)]


def moments(first: str = "2024-01-01", last: str = "2025-06-30") -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[datetime.datetime]:
        seconds = rng.integers(0, 86_400, ROWS).tolist()
        return [
            datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(seconds=second)
            for day, second in zip(dates(first, last)(rng, locale), seconds, strict=True)
        ]

    return make


def luhn(prefix: str, length: int) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[str]:
        out = []
        for _ in range(ROWS):
            body = prefix + "".join(
                map(str, rng.integers(0, 10, length - len(prefix) - 1).tolist())
            )
            doubled = sum(
                sum(map(int, str(int(d) * (2 - i % 2)))) for i, d in enumerate(reversed(body))
            )
            out.append(body + str(-doubled % 10))
        return out

    return make


def iban(country: str, length: int) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[str]:
        out = []
        for _ in range(ROWS):
            body = "".join(map(str, rng.integers(0, 10, length - 4).tolist()))
            number = int("".join(str(int(c, 36)) for c in body + country + "00"))
            out.append(f"{country}{98 - number % 97:02d}{body}")
        return out

    return make


def phones(*masks: str) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[str]:
        made = [coded(mask)(rng, locale) for mask in masks]
        return [
            made[which][i] for i, which in enumerate(rng.integers(0, len(masks), ROWS).tolist())
        ]

    return make


def hashed(algorithm: str) -> Maker:
    return lambda rng, locale: [
        hashlib.new(algorithm, str(i).encode(), usedforsecurity=False).hexdigest()
        for i in rng.integers(0, 1 << 40, ROWS).tolist()
    ]


def sentences(*templates: str, **slots: Maker) -> Maker:
    """Fill sentences with values of other makers."""

    def make(rng: np.random.Generator, locale: str) -> list[str]:
        filled = {name: maker(rng, locale) for name, maker in slots.items()}
        return [
            templates[i % len(templates)].format(**{k: v[i] for k, v in filled.items()})
            for i in range(ROWS)
        ]

    return make


def blanked(maker: Maker, share: float = 0.3) -> Maker:
    """Miss some of the values."""
    return lambda rng, locale: [
        None if gone else value
        for value, gone in zip(maker(rng, locale), rng.random(ROWS) < share, strict=True)
    ]


def upper(maker: Maker) -> Maker:
    return lambda rng, locale: [value.upper() for value in maker(rng, locale)]


def joined(*parts: Maker | str) -> Maker:
    def make(rng: np.random.Generator, locale: str) -> list[str]:
        made = [[p] * ROWS if isinstance(p, str) else list(p(rng, locale)) for p in parts]
        return ["".join(map(str, row)) for row in zip(*made, strict=True)]

    return make


FULL = mimesis("person.full_name")
FIRST = mimesis("person.first_name")
LAST = mimesis("person.last_name")
EMAIL = mimesis("person.email")
CITY = mimesis("address.city")
STREET = mimesis("address.address")
ZIP = mimesis("address.postal_code")
STATE = mimesis("address.state")
COUNTRY = mimesis("address.country")
JOB = mimesis("person.occupation")
BIRTH = dates("1938-01-01", "2005-12-31")
UUID = coded("~~~~~~~~-~~~~-4~~~-a~~~-~~~~~~~~~~~~")
PRODUCTS = either(
    "Wireless Mouse", "USB-C Cable 2m", "Chai", "Chang", "Aniseed Syrup", "Office Chair Black",
    "Water Bottle 750 ml", "Gumbär Gummibärchen", "Notebook A5", "LED Desk Lamp", "Running Shoes",
    "Yoga Mat", "Coffee Grinder", "Ceramic Mug", "Laptop Stand", "HDMI Adapter", "Phone Case",
    "Garden Hose", "Paper Towels", "Dish Soap", "Mountain-200 Silver, 42", "Sport-100 Helmet",
)  # fmt: skip
COLORS = either("red", "green", "blue", "black", "white", "silver", "violet", "amber")
VERSIONS = joined(whole(0, 9), ".", whole(0, 20), ".", whole(0, 40))
TITANIC = either(
    "Braund, Mr. Owen Harris", "Cumings, Mrs. John Bradley (Florence Briggs Thayer)",
    "Heikkinen, Miss. Laina", "Futrelle, Mrs. Jacques Heath (Lily May Peel)",
    "Allen, Mr. William Henry", "Moran, Mr. James", "McCarthy, Mr. Timothy J",
    "Palsson, Master. Gosta Leonard", "Johnson, Mrs. Oscar W (Elisabeth Vilhelmina Berg)",
    "Nasser, Mrs. Nicholas (Adele Achem)", "Sandstrom, Miss. Marguerite Rut",
    "Bonnell, Miss. Elizabeth", "Saundercock, Mr. William Henry", "Andersson, Mr. Anders Johan",
    "Vestrom, Miss. Hulda Amanda Adolfina", "Hewlett, Mrs. (Mary D Kingcome)", "Rice, Master. Eugene",
    "Williams, Mr. Charles Eugene", "Masselmani, Mrs. Fatima", "Fynney, Mr. Joseph J",
)  # fmt: skip
NORTHWIND = either(
    "Maria Anders", "Ana Trujillo", "Antonio Moreno", "Thomas Hardy", "Christina Berglund",
    "Hanna Moos", "Frédérique Citeaux", "Martín Sommer", "Laurence Lebihan", "Elizabeth Lincoln",
    "Victoria Ashworth", "Patricio Simpson", "Francisco Chang", "Yang Wang", "Pedro Afonso",
    "Elizabeth Brown", "Sven Ottlieb", "Janine Labrune", "Ann Devon", "Roland Mendel",
)  # fmt: skip
FIRMS = either(
    "Alfreds Futterkiste", "Around the Horn", "Berglunds snabbköp", "Blauer See Delikatessen",
    "Bólido Comidas preparadas", "Cactus Comidas para llevar", "Consolidated Holdings",
    "Eastern Connection", "Ernst Handel", "Familia Arquibaldo", "Folk och fä HB", "Galería Gastronomía",
    "Königlich Essen", "La maison d'Asie", "Lonesome Pine Restaurant", "Magazzini Alimentari Riuniti",
    "Old World Delicatessen", "Ottilies Käseladen", "Save-a-lot Markets", "Wolski Zajazd",
)  # fmt: skip
REVIEWS = sentences(
    "The {p} arrived late but works as described and was well packed.",
    "Good value for money, the {p} feels solid and I would order again.",
    "Not what I expected: the {p} broke after two weeks of normal use.",
    p=PRODUCTS,
)
CALLS = sentences(
    "Customer {n} called about the invoice, please reply to {e} before friday.",
    "Left a message on {t}; asked for {n} and will try again next week.",
    "No answer. Parcel was left with the neighbor and the case was closed.",
    n=FULL,
    e=EMAIL,
    t=phones("+49 30 ########", "+44 20 #### ####"),
)

# --- development ----------------------------------------------------------------------------------

DEVELOPMENT: dict[str, tuple[str, list[Source]]] = {
    "customers": ("en", [
        Source("customer_id", "id", distinct(100_000, 999_999), misleading="amount_code"),
        Source("first_name", "first name", FIRST, True),
        Source("last_name", "last name", LAST, True),
        Source("email", "email", EMAIL, True, "product"),
        Source("phone", "phone", phones("+1 ### 555 ####"), True, "notes"),
        Source("street_address", "address", STREET, True),
        Source("city", "city", CITY, True),
        Source("state", "region", STATE, True),
        Source("zip_code", "postcode", coded("#####-####")),
        Source("date_of_birth", "birth date", BIRTH, True, "created"),
        Source("gender", "sex", either("Male", "Female"), True, "category"),
        Source("job_title", "job", JOB, True),
        Source("notes", "text", CALLS, True),
        Source("created_at", "date", moments(), True, "birthdate_checked_at"),
        Source("balance", "none", amounts(6), True),
        Source("status", "none", either("active", "closed", "new"), True),
        Source("is_active", "none", either(True, False), True),
        Source("last_login_ip", "ip", mimesis("internet.ip_v4"), True, "host"),
        Source("credit_card", "card", luhn("4", 16), True),
        Source("ssn", "national id", coded("4##-3#-#8##"), True),
        Source("email_verified", "none", either(0, 1)),
        Source("phone_type", "none", either("mobile", "home", "work")),
        Source("favorite_color", "none", COLORS, True, "name"),
    ]),
    "kunden": ("de", [
        Source("KundenNr", "id", coded("K-######"), True),
        Source("Vorname", "first name", FIRST, True),
        Source("Nachname", "last name", LAST, True),
        Source("E-Mail", "email", blanked(EMAIL), True),
        Source("Telefon", "phone", phones("+49 30 ########", "+49 89 ######"), True),
        Source("Straße", "address", STREET, True),
        Source("PLZ", "postcode", coded("1####")),
        Source("Ort", "city", CITY, True),
        Source("Bundesland", "region", STATE, True),
        Source("Geburtsdatum", "birth date", dates_as("%d.%m.%Y", "1940-01-01", "2004-01-01"), True),
        Source("Geschlecht", "sex", either("m", "w", "d", p=[0.49, 0.49, 0.02]), True),
        Source("Beruf", "job", JOB, True),
        Source("IBAN", "iban", iban("DE", 22), True, "Bemerkung"),
        Source("Familienstand", "marital status", either("ledig", "verheiratet", "geschieden"), True),
        Source("Konfession", "religion", either("evangelisch", "katholisch", "keine", "muslimisch"), True),
        Source("Umsatz", "none", amounts(7), True),
        Source("Bestelldatum", "date", dates("2023-01-01", "2025-01-01"), True),
        Source("Artikelbezeichnung", "none", PRODUCTS, True, "Name"),
        Source("Ansprechpartner", "name", FULL, True),
        Source("Gehalt", "income", whole(28_000, 99_000)),
    ]),
    "clients": ("fr", [
        Source("id_client", "id", distinct(1, 9_000)),
        Source("nom", "last name", LAST, True),
        Source("prénom", "first name", FIRST, True),
        Source("courriel", "email", EMAIL, True),
        Source("téléphone", "phone", phones("+33 6 ## ## ## ##", "+33 1 4# ## ## ##"), True),
        Source("adresse", "address", STREET, True),
        Source("code_postal", "postcode", coded("7####")),
        Source("ville", "city", CITY, True),
        Source("pays", "country", COUNTRY, True),
        Source("date_naissance", "birth date", BIRTH),
        Source("sexe", "sex", either("H", "F"), True),
        Source("profession", "job", JOB, True),
        Source("situation_familiale", "marital status", either("marié", "célibataire", "divorcé", "veuf"), True),
        Source("nationalité", "nationality", mimesis("person.nationality"), True),
        Source("montant", "none", amounts(), True),
        Source("date_commande", "date", dates("2022-01-01", "2024-12-31")),
        Source("nom_produit", "none", PRODUCTS),
    ]),
    "клиенты": ("ru", [
        Source("ФИО", "name", FULL, True),
        Source("почта", "email", EMAIL, True),
        Source("номер_телефона", "phone", phones("+7 9## ###-##-##"), True),
        Source("город", "city", CITY, True),
        Source("дата_рождения", "birth date", BIRTH),
        Source("пол", "sex", either("муж", "жен"), True),
        Source("должность", "job", JOB, True),
        Source("сумма", "none", amounts(), True),
        Source("номер_договора", "id", coded("##-####/2#"), True),
        Source("ИНН", "national id", coded("7###########")),
    ]),
    "adult": ("en", [
        Source("age", "age", whole(17, 91)),
        Source("workclass", "none", either("Private", "State-gov", "Federal-gov", "Local-gov"), True),
        Source("fnlwgt", "none", whole(12_285, 1_484_705)),
        Source("education", "education", either("Bachelors", "HS-grad", "11th", "Masters", "Doctorate"), True),
        Source("marital-status", "marital status", either("Never-married", "Married-civ-spouse", "Divorced", "Widowed"), True),
        Source("occupation", "job", either("Tech-support", "Craft-repair", "Sales", "Exec-managerial")),
        Source("relationship", "marital status", either("Wife", "Own-child", "Husband", "Not-in-family"), True),
        Source("race", "ethnicity", either("White", "Black", "Asian-Pac-Islander", "Other"), True),
        Source("sex", "sex", either(" Male", " Female"), True),
        Source("capital-gain", "none", whole(0, 99_999), True),
        Source("hours-per-week", "none", whole(1, 99), True),
        Source("native-country", "country", either("United-States", "Mexico", "Philippines", "Germany", "India"), True),
        Source("income", "income", either("<=50K", ">50K")),
    ]),
    "titanic": ("en", [
        Source("PassengerId", "id", rows()),
        Source("Survived", "none", either(0, 1), True),
        Source("Pclass", "none", either(1, 2, 3), True),
        Source("Name", "name", TITANIC, True),
        Source("Sex", "sex", either("male", "female"), True),
        Source("Age", "age", blanked(real(0.4, 80, 1))),
        Source("SibSp", "none", either(0, 1, 2, 3), True),
        Source("Ticket", "id", coded("PC 1####")),
        Source("Fare", "none", real(0, 512), True),
        Source("Embarked", "none", either("S", "C", "Q"), True),
    ]),
    "northwind": ("en", [
        Source("CustomerID", "id", coded("@@@@@"), False),
        Source("CompanyName", "company", FIRMS),
        Source("ContactName", "name", NORTHWIND, True),
        Source("ContactTitle", "job", either("Sales Representative", "Owner", "Order Administrator", "Accounting Manager")),
        Source("PostalCode", "postcode", coded("WX# #LT")),
        Source("Country", "country", either("Germany", "Mexico", "UK", "Sweden", "France"), True),
        Source("Phone", "phone", phones("(171) 555-####", "030-00#####", "0621-08###"), True),
        Source("Fax", "phone", blanked(phones("(5) 555-####", "030-00#####"), 0.4)),
        Source("OrderID", "id", rows(10_248)),
        Source("OrderDate", "date", dates("1996-07-04", "1998-05-06")),
        Source("Freight", "none", amounts(), True),
        Source("ProductName", "none", PRODUCTS, True),
        Source("QuantityPerUnit", "none", either("10 boxes x 20 bags", "24 - 12 oz bottles", "36 boxes"), True),
        Source("Discontinued", "none", either(0, 1), True),
    ]),
    "log": ("en", [
        Source("ts", "date", moments(), True),
        Source("client_ip", "ip", mimesis("internet.ip_v6"), True),
        Source("request_url", "url", mimesis("internet.uri"), True),
        Source("user_name", "username", mimesis("person.username")),
        Source("session_id", "id", UUID, True),
        Source("status_code", "none", either(200, 301, 404, 500), True),
        Source("bytes", "none", whole(0, 2_000_000), True),
        Source("app_version", "none", VERSIONS, True, "ip"),
        Source("sha256", "id", hashed("sha256"), True),
        Source("lat", "coordinates", real(-60, 70, 6)),
        Source("lon", "coordinates", real(-170, 170, 6)),
        Source("currency", "none", either("EUR", "USD", "GBP", "JPY"), True, "country_currency"),
        Source("row_number", "none", rows()),
        Source("password_hash", "password", hashed("md5")),
        Source("payload", "none", either("a", "b")),
    ]),
}  # fmt: skip

# --- held out -------------------------------------------------------------------------------------

HELD_OUT: dict[str, tuple[str, list[Source]]] = {
    "clientes": ("es", [
        Source("idCliente", "id", distinct(1, 5_000)),
        Source("nombre", "first name", FIRST, True),
        Source("apellidos", "last name", LAST, True),
        Source("correo_electronico", "email", EMAIL, True, "producto"),
        Source("telefono_movil", "phone", phones("+34 6## ### ###", "+34 9## ## ## ##"), True),
        Source("direccion", "address", STREET, True),
        Source("cp", "postcode", coded("2####")),
        Source("ciudad", "city", CITY, True),
        Source("provincia", "region", STATE, True),
        Source("fecha_nacimiento", "birth date", BIRTH, True, "fecha"),
        Source("sexo", "sex", either("hombre", "mujer"), True),
        Source("ocupacion", "job", JOB, True),
        Source("estado_civil", "marital status", either("soltero", "casado", "viudo", "divorciado"), True),
        Source("importe_total", "none", amounts(5), True),
        Source("fecha_pedido", "date", dates("2021-01-01", "2024-12-31"), True),
        Source("articulo", "none", PRODUCTS, True, "nombre"),
        Source("observaciones", "text", CALLS, True),
    ]),
    "clientes_br": ("pt-br", [
        Source("cliente_id", "id", coded("C########"), True),
        Source("nome_completo", "name", FULL, True),
        Source("e_mail", "email", EMAIL, True),
        Source("celular", "phone", phones("+55 11 9####-####", "+55 21 9####-####"), True),
        Source("logradouro", "address", STREET, True),
        Source("cep", "postcode", coded("0####-###")),
        Source("cidade", "city", CITY, True),
        Source("uf", "region", either("SP", "RJ", "MG", "BA", "RS")),
        Source("data_nascimento", "birth date", BIRTH),
        Source("sexo", "sex", either("masculino", "feminino"), True),
        Source("cpf", "national id", coded("###.###.###-##")),
        Source("profissao", "job", either("Advogado", "Médico", "Professor", "Engenheiro")),
        Source("raca_cor", "ethnicity", either("branca", "parda", "preta", "amarela", "indígena"), True),
        Source("valor", "none", amounts(), True),
        Source("situacao", "none", either("ativo", "inativo"), True),
    ]),
    "顧客": ("ja", [
        Source("氏名", "name", FULL, True),
        Source("姓", "last name", LAST, True),
        Source("メールアドレス", "email", EMAIL, True),
        Source("電話番号", "phone", phones("090-####-####", "03-####-####"), True),
        Source("住所", "address", STREET, False),
        Source("郵便番号", "postcode", coded("1##-####")),
        Source("市区町村", "city", CITY, True),
        Source("都道府県", "region", STATE, True),
        Source("生年月日", "birth date", dates_as("%Y/%m/%d", "1940-01-01", "2006-01-01"), True),
        Source("性別", "sex", either("男", "女"), True),
        Source("職業", "job", JOB, True),
        Source("会員番号", "id", coded("M#######"), True),
        Source("金額", "none", whole(100, 99_999), True),
        Source("商品名", "none", either("ノートパソコン", "マウス", "キーボード", "モニター"), True),
    ]),
    "klanten": ("nl", [
        Source("klantnummer", "id", distinct(10_000, 99_999)),
        Source("voornaam", "first name", FIRST, True),
        Source("achternaam", "last name", LAST, True),
        Source("e-mailadres", "email", EMAIL, True),
        Source("straat", "address", STREET, True),
        Source("woonplaats", "city", CITY, True),
        Source("postcode", "postcode", coded("1### @@")),
        Source("geboortedatum", "birth date", dates_as("%d-%m-%Y", "1940-01-01", "2004-01-01"), True),
        Source("geslacht", "sex", either("man", "vrouw"), True),
        Source("bsn", "national id", coded("1########")),
        Source("rekeningnummer", "iban", iban("NL", 18), True),
        Source("bedrag", "none", amounts(), True),
        Source("omschrijving", "clean text", REVIEWS, True),
    ]),
    "klienci": ("pl", [
        Source("imię", "first name", FIRST, True),
        Source("nazwisko", "last name", LAST, True),
        Source("numer_telefonu", "phone", phones("+48 5## ### ###"), True),
        Source("miasto", "city", CITY, True),
        Source("PESEL", "national id", coded("8#0#1######")),
        Source("płeć", "sex", either("K", "M"), True),
        Source("zawód", "job", JOB, True),
        Source("kwota", "none", amounts(), True),
    ]),
    "dipendenti": ("it", [
        Source("matricola", "id", coded("IT####")),
        Source("cognome", "last name", LAST, True),
        Source("nome", "first name", FIRST, True),
        Source("codice_fiscale", "national id", coded("@@@@@@##A##@###@"), False),
        Source("città", "city", CITY, True),
        Source("cap", "postcode", coded("0####")),
        Source("data_di_nascita", "birth date", BIRTH),
        Source("stipendio", "income", whole(18_000, 90_000)),
        Source("telefono", "phone", phones("+39 3## ### ####"), True),
        Source("reparto", "none", either("vendite", "acquisti", "personale"), True),
    ]),
    "compas": ("en", [
        Source("id", "id", rows()),
        Source("name", "name", mimesis("person.full_name"), True, "description"),
        Source("first", "first name", upper(FIRST), True),
        Source("last", "last name", upper(LAST), True),
        Source("sex", "sex", either("Male", "Female"), True),
        Source("dob", "birth date", dates_as("%m/%d/%Y", "1945-01-01", "1998-01-01"), True),
        Source("age", "age", whole(18, 83)),
        Source("age_cat", "age", either("25 - 45", "Greater than 45", "Less than 25")),
        Source("race", "ethnicity", either("African-American", "Caucasian", "Hispanic", "Asian", "Other"), True),
        Source("juv_fel_count", "none", whole(0, 10), True),
        Source("decile_score", "none", whole(1, 11), True),
        Source("c_case_number", "id", coded("1#0#####CF10A"), True),
        Source("c_jail_in", "date", moments("2013-01-01", "2014-12-31"), True),
        Source("c_charge_desc", "none", either("Battery", "Grand Theft in the 3rd Degree", "Driving License Suspended", "arrest case no charge"), True),
        Source("is_recid", "none", either(0, 1), True),
        Source("score_text", "none", either("Low", "Medium", "High"), True),
    ]),
    "german_credit": ("en", [
        Source("Duration", "none", whole(4, 72), True),
        Source("Purpose", "none", either("car", "furniture/equipment", "radio/TV", "education", "business"), True),
        Source("CreditAmount", "none", whole(250, 18_424), True),
        Source("ForeignWorker", "nationality", either("yes", "no")),
        Source("Housing", "none", either("own", "free", "rent"), True),
        Source("Age", "age", whole(19, 75)),
        Source("Telephone", "none", either("none", "yes, registered")),
        Source("NumExistingCredits", "none", whole(1, 4), True),
    ]),
    "sakila": ("en", [
        Source("customer_id", "id", rows()),
        Source("store_id", "none", either(1, 2)),
        Source("first_name", "first name", upper(FIRST)),
        Source("last_name", "last name", upper(LAST)),
        Source("email", "email", upper(EMAIL), True),
        Source("address_id", "id", whole(1, 605)),
        Source("district", "region", STATE),
        Source("create_date", "date", moments("2006-02-14", "2006-02-15")),
        Source("title", "none", joined(either("ACADEMY", "ACE", "ADAPTATION", "AFFAIR", "ALABAMA"), " ", either("DINOSAUR", "GOLDFINGER", "HOLES", "PREJUDICE", "EGG")), True),
        Source("rental_rate", "none", either(0.99, 2.99, 4.99), True),
        Source("rating", "none", either("PG", "G", "NC-17", "R"), True),
        Source("replacement_cost", "none", real(9, 30), True),
    ]),
    "adventureworks": ("en", [
        Source("BusinessEntityID", "id", distinct(1, 20_000)),
        Source("FirstName", "first name", FIRST),
        Source("MiddleName", "first name", blanked(coded("@"), 0.4)),
        Source("LastName", "last name", LAST),
        Source("NationalIDNumber", "national id", distinct(10_000_000, 999_999_999)),
        Source("LoginID", "username", joined("adventure-works\\", mimesis("person.username", mask="l_d"))),
        Source("JobTitle", "job", JOB),
        Source("BirthDate", "birth date", dates("1951-10-17", "1991-05-31"), True),
        Source("MaritalStatus", "marital status", either("M", "S")),
        Source("Gender", "sex", either("M", "F"), True),
        Source("HireDate", "date", dates("2006-06-30", "2013-05-30")),
        Source("SalariedFlag", "none", either(True, False), True),
        Source("VacationHours", "none", whole(0, 99), True),
        Source("rowguid", "id", upper(UUID), True),
        Source("EmailPromotion", "none", either(0, 1, 2)),
        Source("ModifiedDate", "date", moments("2008-01-01", "2014-12-31"), True),
        Source("Color", "none", COLORS, True, "Name"),
    ]),
    "telco": ("en", [
        Source("customerID", "id", coded("####-@@@@@"), True),
        Source("gender", "sex", either("Female", "Male")),
        Source("tenure", "none", whole(0, 72), True),
        Source("PhoneService", "none", either("Yes", "No")),
        Source("InternetService", "none", either("DSL", "Fiber optic", "No"), True),
        Source("MonthlyCharges", "none", real(18, 118), True),
        Source("TotalCharges", "none", amounts(7), True),
        Source("PaymentMethod", "none", either("Electronic check", "Mailed check", "Bank transfer (automatic)"), True),
        Source("Churn", "none", either("Yes", "No"), True),
    ]),
    "retail": ("en", [
        Source("InvoiceNo", "id", distinct(536_365, 581_587)),
        Source("StockCode", "none", either("85123A", "71053", "84406B", "22752", "21730")),
        Source("Description", "none", PRODUCTS, False),
        Source("Quantity", "none", whole(1, 80), True),
        Source("InvoiceDate", "date", moments("2010-12-01", "2011-12-09")),
        Source("UnitPrice", "none", amounts(1), True),
        Source("Country", "country", either("United Kingdom", "France", "Australia", "Netherlands"), True),
        Source("store_city", "none", either("London", "Leeds", "York")),
    ]),
    "airbnb": ("en", [
        Source("host_id", "id", distinct(2_000, 900_000_000)),
        Source("host_name", "first name", FIRST),
        Source("name", "none", either("Clean & quiet apt home by the park", "Skylit Midtown Castle", "Cozy Entire Floor of Brownstone", "Large Furnished Room Near B'way", "Cute & Cozy Lower East Side 1 bdrm"), True),
        Source("latitude", "coordinates", real(40.5, 40.9, 5)),
        Source("longitude", "coordinates", real(-74.2, -73.7, 5)),
        Source("room_type", "none", either("Private room", "Entire home/apt", "Shared room"), True),
        Source("price", "none", whole(10, 900), True),
        Source("last_review", "date", dates("2018-01-01", "2019-07-08"), True),
        Source("picture_url", "url", mimesis("internet.url"), True, "status"),
    ]),
    "mimic": ("en", [
        Source("SUBJECT_ID", "id", distinct(1, 99_999)),
        Source("HADM_ID", "id", distinct(100_000, 199_999)),
        Source("GENDER", "sex", either("M", "F")),
        Source("DOB", "birth date", dates("1930-01-01", "2000-12-31")),
        Source("ADMITTIME", "date", moments("2012-01-01", "2016-12-31"), True),
        Source("DIAGNOSIS", "health", either("PNEUMONIA", "SEPSIS", "CORONARY ARTERY DISEASE", "STROKE")),
        Source("INSURANCE", "none", either("Medicare", "Private", "Medicaid"), True),
        Source("LANGUAGE", "language", either("ENGL", "SPAN", "RUSS")),
        Source("RELIGION", "religion", either("CATHOLIC", "PROTESTANT QUAKER", "JEWISH", "MUSLIM"), True),
        Source("ETHNICITY", "ethnicity", either("WHITE", "BLACK/AFRICAN AMERICAN", "ASIAN", "HISPANIC OR LATINO"), True),
        Source("note", "text", CALLS),
    ]),
    "用户": ("zh", [
        Source("姓名", "name", FULL, True),
        Source("手机号", "phone", phones("138########", "159########", "+86 138 #### ####"), False),
        Source("邮箱", "email", EMAIL, True),
        Source("城市", "city", CITY, True),
        Source("身份证号", "national id", coded("11010119########3#")),
        Source("出生日期", "birth date", BIRTH),
        Source("订单号", "id", coded("2024############")),
        Source("金额", "none", amounts(), True),
        Source("学历", "education", either("本科", "硕士", "高中", "大专")),
    ]),
    "events": ("en", [
        Source("event_id", "id", UUID, True),
        Source("remote_addr", "ip", mimesis("internet.ip_v4"), True),
        Source("cc_number", "card", luhn("5", 16), True, "reference"),
        Source("tax_rate", "none", real(0, 1, 3), True),
        Source("version", "none", joined("v", VERSIONS), True),
        Source("os", "none", either("iOS 17.2", "Android 14", "Windows 11"), True),
        Source("commit", "id", hashed("sha1"), True),
        Source("amount_cents", "none", distinct(100, 900_000)),
        Source("currency_code", "none", either("EUR", "USD", "CHF"), True),
        Source("handle", "username", joined("@", mimesis("person.username", mask="l_d")), True),
        Source("company", "company", mimesis("finance.company")),
        Source("review_text", "clean text", REVIEWS),
        Source("temperature", "none", real(-20, 40, 1), True),
    ]),
}  # fmt: skip
