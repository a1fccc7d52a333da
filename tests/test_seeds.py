"""Laws of chance: person i depends on the seed, the field's name and i, and on nothing else."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus._seeds import BLOCK, generator
from paribus.people.population import People
from paribus.probe._handed import probe_of

GENDER = {"gender": pb.Protected(levels=("Male", "Female"))}
WEIGHED = {"gender": pb.Protected(levels=("Male", "Female"), weights=(0.3, 0.7))}
FIELDS = {
    "small": pb.integers(0, 9),
    "medium": pb.integers(0, 40_000),
    "large": pb.integers(0, 10**9),
    "huge": pb.integers(-(2**63), 2**63 - 1),
    "even": pb.uniform(-1, 1),
    "normal": pb.normal(0, 1, low=-1),
    "income": pb.lognormal(40_000, 0.5),
    "city": pb.choice(["a", "b", "c"]),
    "weighed": pb.choice([1, 2, 3], weights=[0.1, 0.2, 0.7]),
    "born": pb.dates("1950-01-01", "2000-01-01"),
    "number": pb.sequence(5, 3),
    "same": pb.constant(1.5),
    "id": pb.mimesis("cryptographic.uuid"),
    "name": pb.mimesis(
        "person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
    ),
    "email": pb.mimesis("person.email", of="name"),
    "phone": pb.mimesis("person.phone_number"),
}


def column(people, name, block=0, take=None):
    array = people.block(block, take).column(name).arrow()
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


PINNED = {
    "medium": [19702, 3488, 17362],
    "gender": ["Female", "Female", "Female"],
    "id": [
        "020c40c6-8b6e-4367-8d63-829ed001cb86",
        "301eddac-3ffd-42e9-8101-91c36283d3ea",
        "e760e08e-66e2-4bb1-808d-7ce49da69add",
    ],
    "born": "1954-10-05",
}


def test_a_pinned_person():
    """What seed 42 means must never change: records are compared across versions."""
    people = People(protect=GENDER, fields=FIELDS, size=3, seed=42)
    assert column(people, "medium").to_pylist() == PINNED["medium"]
    assert column(people, "gender").to_pylist() == PINNED["gender"]
    assert column(people, "id").to_pylist() == PINNED["id"]
    assert column(people, "born").to_pylist()[0].isoformat() == PINNED["born"]


@given(
    st.sampled_from([*FIELDS, "gender"]),
    st.integers(0, 2**63 - 1),
    st.integers(1, 300),
    st.integers(1, 300),
)
@settings(max_examples=80, deadline=None)
def test_people_do_not_depend_on_how_many_there_are(name, seed, one, other):
    small, large = sorted((one, other))
    some = column(People(protect=WEIGHED, fields=FIELDS, size=small, seed=seed), name)
    more = column(People(protect=WEIGHED, fields=FIELDS, size=large, seed=seed), name)
    assert more.slice(0, small).equals(some)


@given(st.sampled_from(list(FIELDS)), st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_people_do_not_depend_on_other_fields_nor_on_their_order(name, seed, random):
    needed = ["name", "email"] if name == "email" else [name]
    alone = People(protect=GENDER, fields={n: FIELDS[n] for n in needed}, size=20, seed=seed)
    names = list(FIELDS)
    random.shuffle(names)
    among = People(
        protect={"race": pb.Protected(levels=("x", "y")), **GENDER},
        fields={n: FIELDS[n] for n in names},
        size=20,
        seed=seed,
    )
    assert column(alone, name).equals(column(among, name))
    assert column(alone, "gender").equals(column(among, "gender"))


@pytest.mark.parametrize("name", [*FIELDS, "gender"])
def test_the_border_of_a_block_is_invisible(name):
    """Person 65,535 and 65,536 are the same whether others stand behind them or not."""
    many = People(protect=GENDER, fields=FIELDS, size=2 * BLOCK + 7, seed=9)
    fewer = People(protect=GENDER, fields=FIELDS, size=BLOCK + 3, seed=9)
    assert (many.blocks, fewer.blocks) == (3, 2)
    assert column(many, name, 1, 3).equals(column(fewer, name, 1))
    assert column(many, name, 0, 5).equals(column(fewer, name, 0).slice(0, 5))
    if name != "same":
        assert not column(many, name, 1, 50).equals(column(many, name, 0, 50))
    if name == "number":
        assert column(fewer, name, 1).to_pylist() == [5 + 3 * (BLOCK + i) for i in range(3)]


def test_seeds_and_names_give_other_people():
    draws = [
        generator(seed, name, block).integers(0, 2**62)
        for seed in (0, 1, 11)
        for name in ("a", "b", "1a")
        for block in (0, 1)
    ]
    assert len(set(draws)) == len(draws)


def test_a_billion_people_are_a_recipe():
    people = People(protect=GENDER, fields=FIELDS, size=10**9, seed=1)
    assert people.blocks == 15_259
    last = people.block(15_258, 2)
    assert last.start == 15_258 * BLOCK
    assert len(last.column("id")) == 2
    assert len(people.block(15_258)) == 10**9 - 15_258 * BLOCK


# --- records --------------------------------------------------------------------------------------


def loan(people):
    return np.where(people["gender"] == "Male", 1, (people["large"] % 7 < 5).astype(int))


def without_run(record):
    return record.model_copy(update={"run": {}}).json_text()


def run(workers=1, people=150_000):
    return pb.audit(
        loan,
        protect={"gender": ["Male", "Female"]},
        fields={n: FIELDS[n] for n in ("large", "city", "name")},
        favorable=1,
        people=people,
        workers=workers,
        seed=7,
    )


def test_the_record_is_the_same_for_every_executor_and_every_run():
    texts = {without_run(run(workers)) for workers in (1, 1, 2, 3)}
    assert len(texts) == 1


@pytest.mark.parametrize("stop", ["end", "early"])
@pytest.mark.parametrize("repeats", ["merge", "ask"])
def test_records_are_the_same_however_blocks_are_dealt(stop, repeats):
    """Asked once for all who look the same, or each; stopped early, in the middle of a block."""

    def model(people):
        return np.where(people["gender"] == "Male", 1, people["small"] % 50 > 0).astype(int)

    def texts(executor):
        probe = probe_of(
            model, {"favorable": 1, "features": ("gender", "small"), "repeats": repeats}
        )
        declared = pb.Audit(
            probe=probe,
            protect=GENDER,
            fields={"small": pb.integers(0, 999), "city": FIELDS["city"]},
            size=200_000,
            tolerance=0.0185,
            stop=stop,
            seed=3,
        )
        record = declared.run(executor)
        pairs = record.pairs("pyarrow").slice(0, 70_000)
        return without_run(record), record.people, pairs

    first, people, pairs = texts(pb.Serial())
    assert people == 200_000 if stop == "end" else 66_000 < people < 200_000
    for executor in (Backwards(), pb.Threads(workers=4)):
        text, same, again = texts(executor)
        assert (text, same) == (first, people)
        assert again.equals(pairs)


class Backwards:
    """Runs the last block first, as a cluster may, and gives results in order all the same."""

    def map(self, task, blocks):
        done = {block: task(block) for block in reversed(list(blocks))}
        return iter(done[block] for block in sorted(done))


def test_the_record_is_the_same_in_another_process(tmp_path):
    """Pools are built once a process, by several threads at a time, with other string hashes."""
    script = tmp_path / "audit.py"
    script.write_text(
        "import sys, numpy as np, paribus as pb\n"
        "record = pb.audit(\n"
        "    lambda d: (d['address'].str.len() % 3 > 0).astype(int),\n"
        "    protect={'gender': ['Male', 'Female']},\n"
        "    fields={'address': pb.mimesis('address.address'),\n"
        "            'mail': pb.mimesis('person.email')},\n"
        "    favorable=1, people=140_000, workers=int(sys.argv[1]), seed=7)\n"
        "import hashlib\n"
        "pairs = record.pairs('pyarrow')\n"
        "shown = [pairs[n].combine_chunks().to_pylist() for n in ('address', 'mail')]\n"
        "print(hashlib.sha256(repr(shown).encode()).hexdigest())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, str(script), workers], capture_output=True, text=True, check=True
        ).stdout
        for workers in ("1", "3")
    ]
    assert said[0] == said[1]


@pytest.mark.parametrize("outcome", ["decision", "score"])
def test_asking_repeats_once_changes_no_answer(outcome):
    """`repeats` is about cost alone."""

    def model(people):
        score = np.where(people["gender"] == "Male", 10, people["small"] % 5)
        return score / 10 if outcome == "score" else (score > 2).astype(int)

    records = {}
    for repeats in ("auto", "merge", "ask"):
        probe = probe_of(
            model,
            {"outcome": outcome, "repeats": repeats, "features": ("gender", "small")}
            | ({"favorable": 1} if outcome == "decision" else {}),
        )
        declared = pb.Audit(
            probe=probe,
            protect=GENDER,
            fields={n: FIELDS[n] for n in ("small", "city", "id")},
            size=80_000,
            seed=2,
        )
        records[repeats] = declared.run(pb.Threads(workers=2))
    assert records["ask"].run["questions"] == 160_000
    assert records["merge"].run["questions"] == records["auto"].run["questions"] == 20
    texts = {without_run(r.model_copy(update={"spec": {}})) for r in records.values()}
    assert len(texts) == 1
    one, other = (records[k].pairs() for k in ("merge", "ask"))
    pd.testing.assert_frame_equal(one, other)
