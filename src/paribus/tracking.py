"""A record handed over to what keeps track of experiments: MLflow, where it is installed."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from paribus._text import shortened, visible
from paribus.errors import OutputError
from paribus.findings import Finding
from paribus.record import Record

_MOST_METRICS = 900
"""Metrics of a call: MLflow takes 1,000."""
_MOST_PART = 60
_MOST_VALUE = 400
_PASSING = ("biased", "fingerprint")
"""Tags that not every record has."""


def log_to_mlflow(
    record: Record,
    *,
    run_id: str | None = None,
    prefix: str = "paribus",
    reports: tuple[str, ...] = ("record.json", "report.html"),
) -> str:
    """Log a record to MLflow: its estimates, what it was made with, its verdict and its report.

    Parameters
    ----------
    record : Record
        A finished audit.
    run_id : str, optional
        The run to log to. Left out, it is the active one; where none is active, a run with the name
        of the audit is started and ended.
    prefix : str
        What the names of metrics, parameters, tags and artifacts begin with. Two records in one run
        need two prefixes, since MLflow keeps a parameter as it was logged first.
    reports : tuple of str
        Files to keep with the run; the suffix chooses the format, as in `Record.save`.

    Returns
    -------
    str
        The run's ID.

    Raises
    ------
    OutputError
        Where MLflow is not installed, cannot be reached or refuses, or two reports have one name.

    Examples
    --------
    >>> metrics = metrics_of(Record.sum_up(
    ...     name="Loan", tolerance=0.01, confidence=0.95, seed=1, people=10, spec={}, run={},
    ...     evidence=(), findings=()))
    >>> metrics["paribus/findings/biased"]
    0.0
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise OutputError("logging to MLflow takes MLflow: pip install mlflow") from None
    for name in reports:
        Record.format_of(name)
    if len({Path(name).name for name in reports}) < len(reports):
        raise OutputError("reports: two files have the same name, and one would replace the other")
    _check(prefix)
    try:
        client = mlflow.MlflowClient()
        active = mlflow.active_run()
        if run_id is None and active is not None:
            run_id = active.info.run_id
        if run_id is not None:
            return _log(client, run_id, record, prefix, reports)
        with mlflow.start_run(run_name=shortened(visible(record.name), 120) or "Audit") as run:
            return _log(client, run.info.run_id, record, prefix, reports)
    except (MlflowException, OSError) as error:
        said = shortened(visible(str(error).strip().partition("\n")[0] or "no reason"), 400)
        raise OutputError(f"MLflow refuses the record: {said}") from error


def metrics_of(record: Record, prefix: str = "paribus") -> dict[str, float]:
    """Give the numbers of a record under names that MLflow takes.

    Parameters
    ----------
    record : Record
    prefix : str

    Returns
    -------
    dict of str to float
        ``paribus/flip_rate/gender/Male_to_Female`` with its ``.low``, ``.high`` and ``.p``, and how
        many findings have each verdict. Ends of intervals that do not exist are left out. Letters
        beyond A to Z in names become underscores, and a hash keeps such names apart.
    """
    names = [_name(finding, prefix) for finding in record.findings]
    often = Counter(names)
    metrics = {
        f"{prefix}/findings/{verdict.replace(' ', '_')}": float(
            sum(finding.verdict == verdict for finding in record.findings)
        )
        for verdict in ("biased", "inconclusive", "within tolerance")
    }
    for finding, name in zip(record.findings, names, strict=True):
        whole = f"{name}-{_hash(_about(finding))}" if often[name] > 1 else name
        for end, number in (
            ("", finding.estimate),
            (".low", finding.low),
            (".high", finding.high),
            (".p", finding.p),
        ):
            if abs(number) < sys.float_info.max:
                metrics[f"{whole}{end}"] = float(number)
    return metrics


def _log(client: Any, run_id: str, record: Record, prefix: str, reports: tuple[str, ...]) -> str:
    from mlflow.entities import Metric, Param, RunTag

    # One step and one time for all: MLflow draws a metric over steps, and this is one point. Of two
    # records in one run the later time is what MLflow shows.
    now = time.time_ns() // 1_000_000
    metrics = [Metric(key, value, now, 0) for key, value in metrics_of(record, prefix).items()]
    params = [Param(key, value) for key, value in _params(record, prefix).items()]
    told = _tags(record, prefix)
    tags = [RunTag(key, value) for key, value in told.items()]
    client.log_batch(run_id, metrics=(), params=params, tags=tags)
    # What an earlier record said no longer holds.
    for key in client.get_run(run_id).data.tags:
        if key in {f"{prefix}.{tag}" for tag in _PASSING} and key not in told:
            client.delete_tag(run_id, key)
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST_METRICS])
    with tempfile.TemporaryDirectory() as folder:
        for name in reports:
            record.save(Path(folder) / Path(name).name)
        if reports:
            client.log_artifacts(run_id, folder, artifact_path=prefix)
    return run_id


def _params(record: Record, prefix: str) -> dict[str, str]:
    params = {
        "name": shortened(visible(record.name), _MOST_VALUE),
        "people": str(record.people),
        "seed": str(record.seed),
        "tolerance": repr(record.tolerance),
        "confidence": repr(record.confidence),
    }
    if record.model is not None:
        params["model"] = shortened(visible(record.model.name), _MOST_VALUE)
        params["outcome"] = record.model.outcome
    return {f"{prefix}.{key}": value for key, value in params.items()}


def _tags(record: Record, prefix: str) -> dict[str, str]:
    biased = [finding for finding in record.findings if finding.verdict == "biased"]
    tags: dict[str, str] = {"verdict": record.verdict if record.judged else "none"}
    if record.model is not None and record.model.fingerprint:
        tags["fingerprint"] = visible(record.model.fingerprint)[:_MOST_VALUE]
    if biased:
        tags["biased"] = shortened(visible(biased[0].sentence), _MOST_VALUE)
    return {f"{prefix}.{key}": value for key, value in tags.items()}


# --- names ----------------------------------------------------------------------------------------


def _name(finding: Finding, prefix: str) -> str:
    change = f"{finding.reference} to {finding.group}" if finding.reference else finding.group
    parts = [finding.unit, finding.field, finding.attribute, change or "all groups"]
    if finding.contrast == "placebo":
        parts.insert(0, "placebo")
    return "/".join([prefix, *(_part(part) for part in parts if part)])


def _part(text: str) -> str:
    """Write a part of a name in letters that MLflow takes everywhere."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._-")
    if re.fullmatch(r"[\w. -]+", text, re.ASCII) and 0 < len(clean) <= _MOST_PART:
        return clean
    return f"{clean[:_MOST_PART]}-{_hash(text)}".lstrip("-")


def _about(finding: Finding) -> str:
    return "\x00".join(
        (
            *(finding.stage, finding.test, finding.unit, finding.contrast, finding.relation),
            *(finding.attribute, finding.reference, finding.group, finding.field),
        )
    )


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _check(prefix: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_. -]{0,60}", prefix):
        raise OutputError(f'"{prefix}" is no prefix: use letters, digits, "_", "-" and "."')
