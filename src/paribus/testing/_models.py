"""The Echo probe, and the suites of fields, models and executors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from paribus._seeds import BLOCK
from paribus.auditing import Audit
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.people.fields.base import Field, Streams
from paribus.people.fields.integers import integers
from paribus.people.fields.map import map_of
from paribus.people.population import Protected
from paribus.probe.base import Model, Probe, outcome_of, way_of_asking
from paribus.table import Coded, Column, Joined, Plain, Text


class Echo(Probe):
    """A probe that answers with a column of the people it is asked about.

    With it a test says exactly what the model answers, without training or mocking anything.

    Examples
    --------
    >>> import paribus as pb
    >>> record = pb.audit(
    ...     Echo(column="code", outcome="decision", favorable=1),
    ...     protect={"gender": ["Male", "Female"]},
    ...     fields={"code": pb.map_of("gender", {"Male": 1, "Female": 0})},
    ...     people=200,
    ... )
    >>> record.findings[0].estimate
    1.0
    """

    kind: Literal["echo"] = "echo"
    column: str

    def open(self, *, trust: bool) -> Model:
        def answer(frame: Any) -> Any:
            return np.asarray(frame[self.column])

        return Model(
            name=f"Echo({self.column})",
            labels=answer,
            probabilities=answer,
            numbers=answer,
            features=(self.column,),
            sees_everything=True,
        )


def gender() -> dict[str, Protected]:
    return {"gender": Protected(levels=("Male", "Female"))}


def _values(column: Column) -> list[Any]:
    values: list[Any] = column.arrow().to_pylist()
    return values


def check_field(field: Field, parents: Mapping[str, Column] | None = None) -> None:
    """Check the promises of a field.

    The same seed gives the same column; fewer people give a prefix of it; `draw` and `column`
    leave what they were given as it was; the column has the length that was asked for, and taking
    rows of it gives those rows; a declaration survives being written down and read again.

    Parameters
    ----------
    field : Field
    parents : mapping of str to Column, optional
        For a field that is made from others: their columns, 100 people long.
    """
    people, few = 100, 37
    given = dict(parents or {})
    assert set(field.parents) <= set(given), f"hand over the columns {field.parents} as parents"

    def made(n: int, block: int = 0) -> Column:
        index = np.arange(n)
        streams = Streams(7, "x/draw", block)
        columns = {name: column.take(index) for name, column in given.items()}
        return field.column(field.draw(streams, n), columns, block * BLOCK, n)

    column = made(people)
    assert isinstance(column, Plain | Coded | Text | Joined) or hasattr(column, "arrow")
    assert len(column) == people, f"asked for {people} people, the column has {len(column)}"
    whole = _values(column)
    assert whole == _values(made(people)), "the same seed must give the same column"
    assert whole[:few] == _values(made(few)), "fewer people must be the first of more people"
    at = np.array([3, 1, 30])
    assert _values(column.take(at)) == [whole[i] for i in at], "take must give the rows asked for"
    latent = field.draw(Streams(7, "x/draw", 0), people)
    twice = [_values(field.column(latent, given, 0, people)) for _ in range(2)]
    assert twice[0] == twice[1] == whole, "column must not change what was drawn"
    if field.random and len(set(map(str, whole))) > 1:
        assert whole != _values(made(people, block=1)), "another block must be drawn anew"
    again = type(field)(**json.loads(json.dumps(field.model_dump(mode="json"))))
    assert again == field, "the declaration must survive being written down and read again"


def check_probe(probe: Probe, frame: Any, *, trust: bool = False) -> None:
    """Check the promises of a probe.

    It opens twice alike, knows what its answers mean, gives one answer a person in the order of
    the people, and does not change the frame that it is handed.

    Parameters
    ----------
    probe : Probe
    frame : DataFrame or ndarray
        At least two people, as the model wants them.
    trust : bool
        As for `Probe.open`.
    """
    model = probe.open(trust=trust)
    assert model.name, "a model needs a name"
    assert model.fingerprint == probe.open(trust=trust).fingerprint, "fingerprints must repeat"
    outcome = outcome_of(probe, model)
    put = way_of_asking(model, outcome)
    before = frame.copy() if hasattr(frame, "copy") else frame
    answers = np.asarray(put(frame))
    assert len(answers) == len(frame), "one answer a person"
    assert np.array_equal(np.asarray(frame), np.asarray(before)), "the frame must stay as it was"
    backwards = frame.iloc[::-1] if hasattr(frame, "iloc") else frame[::-1]
    assert np.array_equal(np.asarray(put(backwards))[::-1], answers), "answers follow the people"
    json.dumps(probe.facts())


def check_executor(executor: Executor) -> None:
    """Check the promises of an executor.

    Results come in the order of the blocks, every block exactly once, errors reach the caller, and
    an audit gives the same record as with `Serial`.
    """
    assert list(executor.map(lambda block: block * block, range(50))) == [i * i for i in range(50)]
    assert list(executor.map(lambda block: block, [])) == []

    def broken(block: int) -> int:
        if block == 3:
            raise ValueError("block 3")
        return block

    reached = ""
    try:
        list(executor.map(broken, range(5)))
    except ValueError as error:
        reached = str(error)
    assert reached == "block 3", "an error in a task must reach the caller as it is"
    audit = example(people=3 * BLOCK // 2)
    own, serial = (json.loads(audit.run(e).json_text()) for e in (executor, Serial()))
    own.pop("run")
    serial.pop("run")
    assert own == serial, "the record must not depend on the executor"


def example(people: int) -> Audit:
    return Audit(
        name="Example",
        seed=3,
        size=people,
        probe=Echo(column="mixed", outcome="decision", favorable=1),
        protect=gender(),
        fields=example_fields(),
    )


def example_fields() -> dict[str, Field]:
    return {
        "gender_code": map_of("gender", {"Male": 1, "Female": 0}),
        "income": integers(0, 9),
        "blind": map_of("income", {i: int(i > 4) for i in range(10)}),
        "mixed": map_of("gender", {"Male": 1, "Female": 0}),
    }
