"""Starting is fast: slow third parties are imported when they are first used, and not before."""

import subprocess
import sys

import pytest

import paribus

SLOW = {
    "numpy",
    "pandas",
    "sklearn",
    "pydantic",
    "scipy",
    "pyarrow",
    "narwhals",
    "mimesis",
}


def imported(code):
    script = f"import sys\n{code}\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_paribus():
    assert not imported("import paribus") & (SLOW | {"typer", "rich"})


def test_help():
    code = (
        "import contextlib, io, paribus.cli\n"
        "sys.argv = ['paribus', '--help']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    paribus.cli.main()"
    )
    assert not imported(code) & SLOW


def test_a_record_opens_without_what_a_model_needs(tmp_path):
    record = paribus.audit(
        lambda d: d["x"] % 2,
        protect={"g": ["a", "b"]},
        fields={"x": paribus.sequence()},
        favorable=1,
        people=20,
    )
    path = record.save(tmp_path / "record.json")
    code = f"import paribus\nparibus.open_record({str(path)!r}).render('junit')"
    assert not imported(code) & {"sklearn", "onnxruntime", "xgboost", "mimesis"}


@pytest.mark.parametrize("name", paribus.__all__)
def test_every_public_name_exists(name):
    assert getattr(paribus, name)
    assert name in dir(paribus)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        paribus.nothing  # noqa: B018
