"""A model in ONNX, the open format: from scikit-learn, PyTorch, XGBoost, R or anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus.errors import ModelError, SpecError
from paribus.probe._boosters import in_pandas
from paribus.probe._file import PATH, digest, found, missing, unreadable
from paribus.probe.base import Label, Model, Probe

_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_NO_TEXT = "nan"
"""How skl2onnx and onnxruntime write missing text: ONNX itself has none."""


class OnnxProbe(Probe):
    """A model in an ``.onnx`` file, which is data, run by onnxruntime on the CPU.

    It takes one matrix (declare `features`, in the order of training), or one input a column, which
    then names the columns. Missing text is handed over as ``"nan"``, as skl2onnx expects.

    The labels are those of its ZipMap. A model that gives bare probabilities has the labels 0 to
    k - 1, unless `labels` declares others in the order of the probabilities; that they are
    probabilities, and go with the labels that the model gives, is checked on every answer.

    Examples
    --------
    >>> OnnxProbe(path="loan.onnx", features=["income", "age"]).features
    ('income', 'age')
    """

    kind: Literal["onnx"] = "onnx"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        session = _session(file)
        inputs = [_Input.of(each) for each in session.get_inputs()]
        matrix = len(inputs) == 1 and inputs[0].width != 1
        text = inputs[0].dtype is np.object_
        answers = _Answers.of(session, inputs, self.labels)
        if self.outcome == "score" and answers.probabilities is None and answers.numbers is None:
            raise SpecError(
                "the file does not say which probability belongs to which label; declare "
                "labels = [...] in the order of its probabilities",
                path="$.model.labels",
            )
        return Model(
            name=f"ONNX model ({file.name})",
            fingerprint=digest(file),
            labels=answers.labels,
            probabilities=answers.probabilities,
            numbers=answers.numbers,
            classes=answers.classes,
            features=None if matrix else tuple(each.name for each in inputs),
            width=inputs[0].width if matrix else len(inputs),
            frame="numpy" if matrix and not text else None,
            precision=np.float32 if inputs[0].dtype is np.float32 else np.float64,
        )


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise missing("ONNX", "onnxruntime", 'pip install "paribus[onnx]"') from None
    options = onnxruntime.SessionOptions()
    # What goes wrong is raised too; no need to print it.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            str(file), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise unreadable(file, "an ONNX model", _reason(error)) from None


def _reason(error: Exception) -> str:
    """Drop the numbers and the path that onnxruntime puts before its message."""
    return str(error).rpartition(" : ")[2].rpartition(" failed:")[2]


# --- questions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Input:
    """One input: a whole matrix, or one column."""

    name: str
    dtype: Any
    rank: int
    width: int | None
    """Number of columns; None where the file leaves it open."""

    @classmethod
    def of(cls, node: Any) -> _Input:
        if node.type not in _TYPES:
            raise ModelError(f'the input "{node.name}" takes {node.type}, not a table', path=PATH)
        shape = node.shape
        if len(shape) not in {1, 2}:
            raise ModelError(
                f'the input "{node.name}" has {len(shape)} dimensions; a table has two',
                path=PATH,
            )
        if isinstance(shape[0], int) and shape[0] > 0:
            raise ModelError(
                f'the input "{node.name}" always takes {shape[0]} rows; export the model with a '
                "first dimension that is left open",
                path=PATH,
            )
        width = 1 if len(shape) == 1 else shape[1]
        return cls(
            node.name, _TYPES[node.type], len(shape), width if isinstance(width, int) else None
        )

    def tensor(self, values: Any) -> npt.NDArray[Any]:
        """Give values as this input takes them; `values` is a matrix, a column, or a data frame."""
        if self.dtype is np.object_:
            array = _texts(values)
        elif np.issubdtype(self.dtype, np.floating):
            array = _numbers(values).astype(self.dtype, copy=False)
        else:
            array = _whole(values, self.name).astype(self.dtype, copy=False)
        return array.reshape(-1) if self.rank == 1 else array.reshape(len(array), -1)

    def blank(self) -> npt.NDArray[Any]:
        """Make up one row."""
        shape = (1,) if self.rank == 1 else (1, self.width or 1)
        return (
            np.full(shape, "", object) if self.dtype is np.object_ else np.zeros(shape, self.dtype)
        )


def _numbers(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "cat"):
        values = values.astype(object)
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _whole(values: Any, name: str) -> npt.NDArray[Any]:
    if getattr(getattr(values, "dtype", None), "kind", "O") in "biu" and not hasattr(values, "cat"):
        return np.asarray(values)
    array = _numbers(values)
    odd = np.flatnonzero(~np.isfinite(array) | (array != np.rint(array)))
    if len(odd):
        raise ValueError(f'the input "{name}" takes whole numbers, not {array.flat[int(odd[0])]}')
    return array


def _texts(values: Any) -> npt.NDArray[Any]:
    import pandas as pd

    array = np.asarray(values, dtype=object)
    array = np.where(pd.isna(array), _NO_TEXT, array)
    flat = [value if type(value) is str else str(value) for value in array.flat]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(array.shape)


def _asker(session: Any, inputs: Sequence[_Input]) -> Callable[[list[str], Any], list[Any]]:
    whole = inputs[0] if len(inputs) == 1 and inputs[0].width != 1 else None
    names = [each.name for each in inputs]

    def run(outputs: list[str], frame: Any) -> list[Any]:
        if whole is not None:
            matrix = in_pandas(frame)
            feed = {whole.name: whole.tensor(matrix)}
        elif isinstance(frame, np.ndarray):
            feed = {each.name: each.tensor(frame[:, i]) for i, each in enumerate(inputs)}
        else:
            table = in_pandas(frame)
            by_name = set(table.columns) == set(names)
            feed = {
                each.name: each.tensor(table[each.name] if by_name else table.iloc[:, i])
                for i, each in enumerate(inputs)
            }
        return list(session.run(outputs, feed))

    return run


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answers:
    """What the outputs of a model mean."""

    labels: Callable[[Any], Any] | None = None
    probabilities: Callable[[Any], Any] | None = None
    numbers: Callable[[Any], Any] | None = None
    classes: tuple[Any, ...] | None = None

    @classmethod
    def of(
        cls, session: Any, inputs: Sequence[_Input], declared: tuple[Label, ...] | None
    ) -> _Answers:
        run = _asker(session, inputs)
        outputs = session.get_outputs()
        label = _first(outputs, "tensor(int", "tensor(string)", "tensor(bool)")
        maps = _first(outputs, "seq(map(")
        scores = [o for o in outputs if o.type in {"tensor(float)", "tensor(double)"}]
        labels = None if label is None else _one(run, label.name)
        if maps is not None:
            return _from_maps(run, maps.name, labels, _sample(session, inputs, maps.name), declared)
        if not scores:
            if label is None:
                raise ModelError("the model has no output that is a table", path=PATH)
            return cls(labels=labels)
        width = _width(scores[0], session, inputs)
        if label is not None:
            # Several outputs beside the labels, or a single column, are no probabilities of each.
            if len(scores) > 1 or width < 2 or not (declared or label.type != "tensor(string)"):
                return cls(labels=labels)
            return _from_matrix(run, scores[0].name, label.name, width, declared)
        if declared and len(declared) == max(width, 2):
            return _from_matrix(run, scores[0].name, None, width, declared)
        if width > 1:
            raise SpecError(
                f"the model gives {width} numbers a person; declare labels = [...] in their order",
                path="$.model.labels",
            )
        return cls(numbers=_one(run, scores[0].name))


def _first(outputs: Sequence[Any], *types: str) -> Any:
    return next((each for each in outputs if each.type.startswith(types)), None)


def _sample(session: Any, inputs: Sequence[_Input], output: str) -> Any:
    """Ask about a made-up person, to see the form of the answer; None where the model refuses."""
    try:
        return session.run([output], {each.name: each.blank() for each in inputs})[0]
    except Exception:
        return None


def _width(output: Any, session: Any, inputs: Sequence[_Input]) -> int:
    shape = output.shape
    if len(shape) == 2 and isinstance(shape[1], int):
        return shape[1]
    sample = None if len(shape) == 1 else _sample(session, inputs, output.name)
    return 1 if sample is None else int(np.size(sample))


def _one(run: Callable[[list[str], Any], list[Any]], output: str) -> Callable[[Any], Any]:
    """Ask for one answer a person."""

    def ask(frame: Any) -> npt.NDArray[Any]:
        said = np.asarray(run([output], frame)[0])
        return said.reshape(-1) if said.ndim == 2 and said.shape[1] == 1 else said

    return ask


def _from_maps(
    run: Callable[[list[str], Any], list[Any]],
    output: str,
    labels: Callable[[Any], Any] | None,
    sample: Any,
    declared: tuple[Label, ...] | None,
) -> _Answers:
    """Read probabilities that come as one mapping of labels a person."""
    classes = tuple(sample[0]) if sample else declared
    if classes is None:
        return _Answers(labels=labels)

    def probabilities(frame: Any) -> npt.NDArray[Any]:
        said = run([output], frame)[0]
        try:
            values = [[each[label] for label in classes] for each in said]
        except KeyError as error:
            raise ModelError(
                f"the model gives no probability of {error}", path="$.model.labels"
            ) from None
        return _checked(np.array(values), output)

    return _Answers(labels=labels, probabilities=probabilities, classes=classes)


def _from_matrix(
    run: Callable[[list[str], Any], list[Any]],
    output: str,
    label: str | None,
    width: int,
    declared: tuple[Label, ...] | None,
) -> _Answers:
    """Read probabilities that come as a matrix, a column for each label."""
    classes: tuple[Any, ...] = declared or tuple(range(width))
    if len(classes) != max(width, 2):
        raise SpecError(
            f"{len(classes)} labels are declared, and the model gives {width} probabilities",
            path="$.model.labels",
        )
    names = np.array([str(each) for each in classes])

    def probabilities(frame: Any) -> npt.NDArray[Any]:
        said = run([output] if label is None else [output, label], frame)
        values = _checked(np.asarray(said[0]), output)
        if label is not None:
            _agree(values, np.asarray(said[1]).reshape(-1), names)
        return values

    return _Answers(
        labels=None if label is None else _one(run, label),
        probabilities=probabilities,
        classes=classes,
    )


def _checked(values: npt.NDArray[Any], output: str) -> npt.NDArray[Any]:
    """Refuse what cannot be probabilities; NaN passes, as an answer that failed."""
    sums = values.sum(axis=1) if values.ndim == 2 and values.shape[1] > 1 else np.float64(1.0)
    if (values < -1e-6).any() or (values > 1 + 1e-6).any() or (np.abs(sums - 1) > 1e-3).any():
        raise ModelError(
            f'the output "{output}" holds no probabilities; ask for a decision, or export the '
            "model with probabilities",
            path="$.model.outcome",
        )
    return values


def _agree(values: npt.NDArray[Any], said: npt.NDArray[Any], names: npt.NDArray[np.str_]) -> None:
    """Check that the most probable label is the one that the model gives."""
    ordered = np.sort(values, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 1e-5
    wrong = np.flatnonzero(clear & (names[values.argmax(axis=1)] != said.astype(str)))
    if len(wrong):
        at = int(wrong[0])
        raise ModelError(
            f'the model answers "{said[at]}" where "{names[values[at].argmax()]}" is the most '
            f"probable of {', '.join(names)}; declare labels = [...] in the order of its "
            "probabilities",
            path="$.model.labels",
        )
