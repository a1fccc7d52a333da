"""Audits of one test session: run, held against their verdict, and written down."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import paribus as pb


class Holding:
    """Holds models to their audits, and keeps the people of one audit for the next.

    Parameters
    ----------
    root : Path
        Where the path of a specification begins that does not lie beside its test.
    most : int or None
        How many people are asked about at most, where the session says so.
    folder : Path or None
        Where reports and records go.
    allow_inconclusive : bool
        Whether an inconclusive audit passes where its test does not say.
    """

    def __init__(
        self, root: Path, most: int | None, folder: Path | None, allow_inconclusive: bool
    ) -> None:
        self.root = root
        self.most = most
        self.folder = folder
        self.allow_inconclusive = allow_inconclusive
        self.shared = pb.SharedPeople()
        self._written: dict[str, int] = {}

    def audited(self, model: Any, options: Mapping[str, Any], beside: Path) -> pb.Record:
        """Audit a model; what is wrong with the request fails the test in one sentence.

        Parameters
        ----------
        model : path of a TOML file, or model
        options : mapping
            Of a TOML file: keys of ``[audit]`` that replace its own, ``trust`` and ``workers``; of
            a model: the arguments of `paribus.audit`.
        beside : Path
            The folder of the test.
        """
        __tracebackhide__ = True
        try:
            if isinstance(model, str | Path) and Path(model).suffix == ".toml":
                return self._declared(self._place(Path(model), beside), dict(options))
            return self._called(model, dict(options))
        except pb.ParibusError as error:
            wrong = str(error)
        # Outside, or pytest would show both as one raised while the other was handled.
        pytest.fail(wrong, pytrace=False)

    def hold(self, record: pb.Record, allow_inconclusive: bool | None, test: str) -> None:
        """Fail the test whose audit found a bias, or could not settle whether there is one.

        Parameters
        ----------
        record : Record
        allow_inconclusive : bool or None
            What the test says; None where it says nothing.
        test : str
            Its node ID, after which reports are named.
        """
        __tracebackhide__ = True
        written = self._write(record, test)
        allow = self.allow_inconclusive if allow_inconclusive is None else allow_inconclusive
        if record.verdict == "within tolerance" or (record.verdict == "inconclusive" and allow):
            return
        parts = [record.render("failure").decode().rstrip()]
        if record.verdict == "inconclusive":
            parts.append(self._advice(record))
        if written is not None:
            parts.append(f"Report: {written}")
        pytest.fail("\n\n".join(parts), pytrace=False)

    def _advice(self, record: pb.Record) -> str:
        few = (
            f"--paribus-people lets {self.most:,} people be asked at most: leave it out"
            if self.most is not None and record.people <= self.most
            else "Ask more people, declare another tolerance beforehand"
        )
        return (
            f"Not settled is not passed. {few}, or let it pass: allow_inconclusive=True in the "
            "test, --paribus-allow-inconclusive, or paribus_allow_inconclusive in the "
            "configuration file."
        )

    # --- running ----------------------------------------------------------------------------------

    def _place(self, spec: Path, beside: Path) -> Path:
        places = (beside / spec, self.root / spec)
        return next((place for place in places if place.is_file()), places[0])

    def _declared(self, spec: Path, options: dict[str, Any]) -> pb.Record:
        trust, workers = options.pop("trust", False), options.pop("workers", 1)
        executor = pb.Threads(workers=workers) if workers > 1 else pb.Serial()

        def run(audit: pb.Audit) -> pb.Record:
            return audit.run(executor, trust=trust, shared=self.shared)

        audit = pb.load(spec, **options)
        if self.most is None:
            return run(audit)
        fewer = pb.load(spec, **{**options, "people": self._fewer(audit.size)})
        return self._tried(lambda: run(fewer), lambda: run(audit))

    def _called(self, model: Any, options: dict[str, Any]) -> pb.Record:
        given = {"shared": self.shared, **options}
        if self.most is None:
            return pb.audit(model, **given)
        fewer = {**given, "people": self._fewer(options.get("people"))}
        return self._tried(lambda: pb.audit(model, **fewer), lambda: pb.audit(model, **given))

    def _fewer(self, people: object) -> int | None:
        return min(people, self.most or people) if isinstance(people, int) else self.most

    @staticmethod
    def _tried(fewer: Callable[[], pb.Record], all_rows: Callable[[], pb.Record]) -> pb.Record:
        """Ask fewer people, or all rows where there are not even so many."""
        try:
            return fewer()
        except pb.DataError as error:
            if error.path != "$.audit.people":
                raise
            return all_rows()

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, record: pb.Record, test: str) -> Path | None:
        """Write report and record, named after the test; tests of other processes write too."""
        __tracebackhide__ = True
        if self.folder is None:
            return None
        readable = re.sub(r"[^\w.-]+", "-", test, flags=re.ASCII).strip("-")[-80:]
        digest = hashlib.blake2b(test.encode(errors="replace"), digest_size=4).hexdigest()
        self._written[test] = nth = self._written.get(test, 0) + 1
        name = f"{readable}-{digest}" + (f"-{nth}" if nth > 1 else "")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            record.save(self.folder / f"{name}.json")
            return record.save(self.folder / f"{name}.html")
        except (OSError, pb.OutputError) as error:
            wrong = f"--paribus-report: {error}"
        pytest.fail(wrong, pytrace=False)
