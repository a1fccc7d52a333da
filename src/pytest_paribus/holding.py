"""Audits of one test session: run, held against their verdict, and written down."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import pytest

import paribus as pb
from paribus._text import visible


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

    @staticmethod
    def is_declared(model: Any) -> bool:
        """Tell the path of an audit's file from a model, which may be a path too."""
        return isinstance(model, str | Path) and Path(model).suffix == ".toml"

    def declared(self, spec: Path, options: Mapping[str, Any], beside: Path) -> pb.Record:
        """Audit as a file declares; what is wrong with it fails the test in one sentence.

        Parameters
        ----------
        spec : Path
            A TOML file.
        options : mapping
            Keys of ``[audit]`` that replace its own, ``trust`` and ``workers``.
        beside : Path
            The folder of the test.
        """
        __tracebackhide__ = True
        return self._or_failed(lambda: self._declared(self._place(spec, beside), dict(options)))

    def called(self, model: Any, options: Mapping[str, Any]) -> pb.Record:
        """Audit a model; what is wrong with the request fails the test in one sentence.

        Parameters
        ----------
        model : object
        options : mapping
            The arguments of `paribus.audit`.
        """
        __tracebackhide__ = True
        return self._or_failed(lambda: self._called(model, dict(options)))

    @staticmethod
    def _or_failed(run: Callable[[], pb.Record]) -> pb.Record:
        __tracebackhide__ = True
        try:
            return run()
        except pb.ParibusError as error:
            wrong = visible(error)
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
        if not isinstance(allow_inconclusive, bool | None):
            pytest.fail(
                f"allow_inconclusive: must be True or False, not {allow_inconclusive!r}",
                pytrace=False,
            )
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
        _check_trust(trust)
        if not isinstance(workers, int) or workers < 1:
            raise pb.SpecError(f"must be a whole number from 1, not {workers!r}", path="workers")
        executor = pb.Threads(workers=workers) if workers > 1 else pb.Serial()

        def run(audit: pb.Audit) -> pb.Record:
            return audit.run(executor, trust=trust, shared=self.shared)

        audit = pb.load(spec, **options)
        if self.most is None:
            return run(audit)
        fewer = pb.load(spec, **{**options, "people": self._fewer(audit.size)})
        return self._tried(lambda: run(fewer), lambda: run(audit))

    def _called(self, model: Any, options: dict[str, Any]) -> pb.Record:
        try:
            inspect.signature(pb.audit).bind(model, **options)
        except TypeError as error:
            message = f"paribus_audit: {error}; it takes what paribus.audit takes, or an audit.toml"
            raise pb.SpecError(message) from None
        _check_trust(options.get("trust", False))
        given = {"shared": self.shared, **options}
        if self.most is None:
            return pb.audit(model, **given)
        fewer = {**given, "people": self._fewer(options.get("people"))}
        return self._tried(lambda: pb.audit(model, **fewer), lambda: pb.audit(model, **given))

    def _fewer(self, people: Any) -> Any:
        if people is None or people == "all":
            return self.most
        # Anything else is no number of people, which the audit says better.
        return min(people, self.most or people) if isinstance(people, Integral) else people

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


def _check_trust(trust: object) -> None:
    # Any other value would be taken for the truth, "no" too.
    if not isinstance(trust, bool):
        raise pb.SpecError(f"must be True or False, not {trust!r}", path="trust")
