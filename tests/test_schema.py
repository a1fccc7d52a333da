"""The JSON schema of the file: what runs passes it, and what it can know to be wrong fails it.

Editors read TOML as JSON: days are text to them, and a number that is no number is nothing.
"""

import datetime
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker

import paribus as pb
from paribus import _plugins, cli
from paribus.cli import _completion
from paribus.explaining import _EXAMPLES, Kind, all_kinds
from paribus.schema import DRAFT, options_of, spec_schema
from paribus.spec import _AUDIT_KEYS, _FAMILIES, _SECTIONS, from_tables, read_anonymization

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.M | re.S)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

NEEDED = {
    "model": {"kind": "callable", "function": "module:function"},
    "protect": {"gender": {"levels": ["Male", "Female"]}},
    "fields": {"income": {"kind": "integers", "low": 1, "high": 9}},
}
"""What a part of a file needs beside it."""


def read(given):
    """Read TOML as an editor does."""
    if isinstance(given, dict):
        return {key: read(value) for key, value in given.items()}
    if isinstance(given, list):
        return [read(value) for value in given]
    if isinstance(given, datetime.date | datetime.time):
        return given.isoformat()
    return None if isinstance(given, float) and not math.isfinite(given) else given


@pytest.fixture(scope="module")
def check():
    return Draft7Validator(spec_schema(), format_checker=FormatChecker())


def wrong(check, tables):
    return [f"{error.json_path}: {error.message[:200]}" for error in check.iter_errors(tables)]


# --- the schema -----------------------------------------------------------------------------------


def test_it_is_one(check):
    assert check.schema["$schema"] == DRAFT
    Draft7Validator.check_schema(check.schema)
    assert spec_schema() == json.loads(json.dumps(check.schema))


def test_it_has_every_section_and_key(check):
    assert tuple(check.schema["properties"]) == _SECTIONS
    assert tuple(check.schema["properties"]["audit"]["properties"]) == _AUDIT_KEYS


def walk(schema):
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from walk(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from walk(value)


def test_editors_find_what_it_refers_to(check):
    """The language server knows no 2020 draft, and reads nothing beside a reference."""
    found = list(walk(check.schema))
    references = [each for each in found if isinstance(each.get("$ref"), str)]
    assert references
    for each in references:
        assert len(each) == 1
        assert each["$ref"].removeprefix("#/definitions/") in check.schema["definitions"]
    words = {key for each in found for key in each}
    assert not words & {"$defs", "prefixItems", "const", "unevaluatedProperties"}
    assert {"type": "null"} not in found


def test_every_kind_is_closed_and_says_what_it_is(check):
    for family, members in _FAMILIES.items():
        for kind in members.kinds():
            made = check.schema["definitions"].get(f"{family}.{kind}")
            if family == "reports" or (family, kind) == ("models", "object"):
                assert made is None
                continue
            assert made["additionalProperties"] is False
            assert made["description"] == members.sentence(kind)
            assert set(made["properties"]) == set(members.load(kind).model_fields)
            assert made["required"][0] == "kind"


def test_bounds_and_defaults_are_those_of_the_declaration(check):
    depth = check.schema["definitions"]["tests.regions"]["properties"]["depth"]
    assert (depth["minimum"], depth["maximum"], depth["default"]) == (1, 6, 3)
    assert depth["description"] == "Conditions in a rule, at most."
    seed = check.schema["properties"]["audit"]["properties"]["seed"]
    assert (seed["minimum"], seed["exclusiveMaximum"]) == (0, 2**63)


# --- what is right --------------------------------------------------------------------------------


def whole_files():
    for page in PAGES:
        for i, body in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            first = body.splitlines()[0]
            # A file on a page may be somebody else's, such as that of the tool for editors.
            if not re.match(r"# (wrong|population|pyproject)\S*\.toml|# \.?taplo|\[project", first):
                yield pytest.param(body, id=f"{page.stem}-{i}")


@pytest.mark.parametrize("body", list(whole_files()))
def test_every_file_of_the_docs_passes(check, body):
    tables = read(tomllib.loads(body))
    assert tables
    if not {"model", "protect"} <= set(tables) and "anonymize" not in tables:
        tables = {**NEEDED, **tables}
    assert wrong(check, tables) == []


@pytest.mark.parametrize("kind", [k for k in all_kinds() if k.toml], ids=lambda kind: kind.name)
def test_every_example_of_a_kind_passes_and_loads(check, tmp_path, kind):
    tables = tomllib.loads(kind.toml)
    if kind.family == "replacements":
        (tmp_path / "a.toml").write_text(kind.toml)
        read_anonymization(tmp_path / "a.toml").anonymizer("")
    else:
        assert from_tables({**NEEDED, **tables}).spec()
    assert wrong(check, read(tables if "anonymize" in tables else {**NEEDED, **tables})) == []


def test_the_spec_of_a_record_passes(check):
    declared = from_tables(
        {**NEEDED, "tests": [{"kind": "regions", "depth": 2}], "audit": {"people": "all"}}
    )
    assert wrong(check, json.loads(json.dumps(declared.spec()))) == []


@pytest.mark.parametrize(
    "part",
    [
        {"data": {"path": "a.csv", "by": "sex", "factors": "dept", "features": ["a", "b"]}},
        {"data": {"path": "a.csv", "checks": ["group", {"kind": "labels", "hold": True}]}},
        {"mitigate": {"try": ["twin-average", "twin_average", {"kind": "reweigh"}]}},
        {"anonymize": {"columns": {"a": "drop", "b": {"kind": "drop"}}}},
        {"anonymize": {"tables": {"orders": {"columns": {"a": "id"}}}, "risk": {"k": 3}}},
        {"audit": {"people": "all", "cross": [["a", "b"]], "tolerance": 1}},
        {"protect": {"age": {"levels": [25, 35.5], "reference": 25}}},
        {"model": {"kind": "file", "path": "m.onnx", "favorable": [1, "yes", True]}},
    ],
    ids=str,
)
def test_short_forms_pass(check, part):
    assert wrong(check, {**NEEDED, **part}) == []


# --- what is wrong --------------------------------------------------------------------------------

BAD = sorted((ROOT / "tests" / "bad_input").glob("*.toml"))

ONLY_A_RUN_KNOWS = """
    anonymize_locale anonymize_risk_quasi anonymize_risk_reach_nothing argument_nested_list
    argument_nested_table column_nobody_declares cross_one cross_unknown data_broken_parquet
    data_empty_csv data_header_only_csv data_latin1_csv data_level_no_row_has data_missing_csv
    data_null_character data_ragged_csv data_table_ods data_table_xlsx data_too_few_rows
    data_twice_csv data_unknown_column data_utf16_csv field_named_like_an_attribute
    follows_lists follows_no_level level_missing_from_follows level_missing_from_map
    level_weights low_above_high measure_absent_reference measure_case measure_column_twice
    measure_empty measure_missing_weight measure_negative_weight measure_no_attribute
    measure_population_sum measure_reference_of_no_attribute measure_score_text
    measure_text_decision measure_text_weight measure_three_labels measure_three_values
    measure_unknown_column measure_unknown_favorable method_of_this_year mitigate_try_twice
    model_file_missing model_function_form model_function_missing model_function_no_function
    model_function_relative model_module_exits model_module_raises model_nan
    model_null_character model_null_character_folder model_raises_always model_raises_sometimes
    model_unknown_among_labels model_unknown_label model_wrong_length not_toml number_too_large
    pickle_without_trust reference_is_no_level ring unknown_gender unknown_method unknown_parent
    value_missing_from_map values_mixed weights_do_not_sum weights_negative weights_too_few
"""
"""Files whose mistake is no matter of form: they pass the schema, and fail when they are read."""


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_what_is_wrong_in_form_fails(check, file):
    try:
        tables = read(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError:
        assert file.stem in ONLY_A_RUN_KNOWS.split()
        return
    said = wrong(check, tables)
    assert (not said) == (file.stem in ONLY_A_RUN_KNOWS.split()), said


def test_a_mistake_is_placed(check):
    """Each mistake is said once, at the key, and not that no kind of all fits."""
    tables = {
        **NEEDED,
        "audit": {"seeds": 1},
        "fields": {"a": {"kind": "integers", "low": 1, "high": 9, "hi": 9}},
        "tests": [{"kind": "region"}, {"kind": "regions", "depth": 9}],
        "anonymize": {"columns": {"a": "emial", "b": {"kind": "bands", "wdth": 10}}},
    }
    assert {(each.json_path, each.validator) for each in check.iter_errors(tables)} == {
        ("$.audit", "additionalProperties"),
        ("$.fields.a", "additionalProperties"),
        ("$.tests[0].kind", "enum"),
        ("$.tests[1].depth", "maximum"),
        ("$.anonymize.columns.a", "enum"),
        ("$.anonymize.columns.b", "additionalProperties"),
    }


# --- kinds of other distributions -----------------------------------------------------------------

CODE = """
from typing import Any, Literal
from paribus.people.fields.base import Field

class Digit(Field):
    '''One digit.'''
    kind: Literal["digit"] = "digit"
    most: int
    '''The highest.'''
    inner: Any = None

class Even(Digit):
    kind: Literal["even"] = "even"
    model_config = {"json_schema_extra": {"examples": [{"most": 8}]}}
"""


@pytest.fixture
def others(tmp_path, monkeypatch):
    (tmp_path / "digits_of_others.py").write_text(f'"""A digit."""\n{CODE}')
    info = tmp_path / "digits-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: digits\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[paribus.fields]\ndigit = digits_of_others:Digit\neven = digits_of_others:Even\n"
        "broken = not_there_at_all:Field\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    _plugins._entry_points.cache_clear()
    yield
    _plugins._entry_points.cache_clear()


@pytest.mark.usefixtures("others")
def test_they_are_in_the_schema_and_explained():
    schema = spec_schema()
    made = schema["definitions"]["fields.digit"]
    assert made["properties"]["most"] == {"type": "integer", "description": "The highest."}
    assert "digit" in schema["definitions"]["fields"]["properties"]["kind"]["enum"]
    assert "fields.broken" not in schema["definitions"]
    told = pb.explain("digit")
    assert "most: whole number (required)\n      The highest." in told
    assert '[fields.digit]\n  kind = "digit"\n  most = 1' in told
    assert 'fields={"digit": {"kind": "digit", "most": 1}}' in told
    assert '[fields.even]\n  kind = "even"\n  most = 8' in pb.explain("even")
    check = Draft7Validator(schema)
    assert wrong(check, {**NEEDED, "fields": {"x": {"kind": "digit", "most": 4}}}) == []
    assert wrong(check, {**NEEDED, "fields": {"x": {"kind": "digit", "least": 4}}})


@pytest.mark.usefixtures("others")
def test_a_broken_one_is_listed_and_said_to_be():
    assert "cannot be loaded: ModuleNotFoundError" in pb.explain("fields")
    with pytest.raises(pb.SpecError, match="cannot be loaded: ModuleNotFoundError"):
        pb.explain("broken")


# --- explaining -----------------------------------------------------------------------------------


def test_a_family_and_a_kind():
    assert pb.explain("fields").startswith("fields:\n")
    assert pb.explain().count("\n") > 60
    assert "\ntests:\n" in pb.explain()
    told = pb.explain("regions")
    assert told.startswith("tests.regions: Where a gap lives, as readable rules.\n")
    assert "depth: whole number from 1 to 6 (3 where left out)\n      Conditions in a rule" in told
    assert '  [[tests]]\n  kind = "regions"\n  depth = 2' in told


def test_a_name_of_several_families_is_explained_in_all():
    told = pb.explain("dates")
    assert told.startswith("fields.dates: ")
    assert "\nreplacements.dates: " in told
    assert "replacements.dates: " not in pb.explain("fields.dates")


def test_a_family_wins(monkeypatch):
    """None is both today; a kind of another distribution may be."""
    monkeypatch.setitem(_FAMILIES, "integers", _FAMILIES["tests"])
    assert pb.explain("integers").startswith("integers:\n")
    assert pb.explain("fields.integers").startswith("fields.integers: ")


@pytest.mark.parametrize(
    ("name", "near"),
    [("integer", "integers"), ("feilds", "fields"), ("fields.intgers", "fields.integers")],
)
def test_an_unknown_name_is_told_the_nearest(name, near):
    with pytest.raises(pb.SpecError, match=re.escape(f'did you mean "{near}"?')):
        pb.explain(name)


@pytest.mark.parametrize("name", ["", "zzzzzzzz"])
def test_a_name_like_no_other_is_told_the_families(name):
    with pytest.raises(pb.SpecError, match=r"; the families are fields, models, tests, "):
        pb.explain(name)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_every_kind_is_explained(kind):
    compile(kind.python, kind.name, "exec")
    assert kind.sentence in " ".join(str(kind).split())
    assert ":func:" not in str(kind)
    assert "``" not in str(kind)
    if kind.family != "reports":
        assert all(option.meaning for option in kind.options)
        declared = Kind(kind.family, kind.kind).declaration
        assert len(options_of(declared)) == len(declared.model_fields) - 1


@pytest.mark.parametrize("kind", _FAMILIES["fields"].kinds())
def test_python_and_toml_say_the_same(kind):
    made = Kind("fields", kind)
    field = eval(made.python.partition(": ")[2].removesuffix("}"), {"pb": pb})
    (parsed,) = tomllib.loads(made.toml)["fields"].values()
    parse = _FAMILIES["fields"].parse
    assert parse(parsed) == parse(field)


def test_no_example_is_left_of_a_kind_that_went():
    assert set(_EXAMPLES) <= {kind.name for kind in all_kinds()}


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def paribus(pytestconfig):
    """Start it under its own name, which a shell's completion asks for."""
    # Where pytest was told about warnings (make lowest), those of old libraries do not count.
    warnings = "ignore" if pytestconfig.getoption("pythonwarnings") else "error"
    path = {"PYTHONPATH": str(Path(pb.__file__).parents[1])}

    def run(*arguments, **environment):
        code = (
            f"import sys; sys.argv = ['paribus', *{arguments!r}]; import paribus.cli as c; c.main()"
        )
        return subprocess.run(
            [sys.executable, "-W", warnings, "-c", code],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={"PATH": "/usr/bin:/bin", **path, **environment},
        )

    return run


def test_the_schema_is_written(tmp_path, monkeypatch, capsys):
    for arguments in (["schema"], ["schema", "-o", str(tmp_path / "s.json")]):
        monkeypatch.setattr(sys, "argv", ["paribus", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code
    printed = capsys.readouterr().out
    assert json.loads(printed) == spec_schema()
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == printed


@pytest.fixture
def complete(paribus):
    def completed(line, shell="bash"):
        words = line.split(" ")
        asked = {
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        done = paribus(_PARIBUS_COMPLETE=f"complete_{shell}", **asked)
        assert done.stderr == ""
        return done.stdout

    return completed


def test_a_shell_completes_commands_and_kinds(complete):
    assert {"audit", "schema", "kinds", "people"} <= set(complete("paribus ").split())
    assert complete("paribus kinds integ").split() == ["integers"]
    assert complete("paribus kinds fields.u").split() == ["fields.uniform"]
    assert {"fields", "dates", "fields.dates", "replacements.dates"} <= set(
        complete("paribus kinds ").split()
    )
    assert "markdown" in complete("paribus show r.json --format ma").split()
    assert '"regions":"test"' in complete("paribus kinds reg", shell="zsh")
    assert "regions\ttest\n" in complete("paribus kinds reg", shell="fish")


@pytest.mark.parametrize(
    ("shell", "script", "read"),
    [
        ("bash", ".bash_completions/paribus.sh", ".bashrc"),
        ("zsh", ".zfunc/_paribus", ".zshrc"),
        ("fish", ".config/fish/completions/paribus.fish", None),
    ],
)
def test_a_shell_learns_it(tmp_path, paribus, shell, script, read):
    # By itself it is the shell that the tests are run from.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    done = paribus("--install-completion", shell, **named)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_PARIBUS_COMPLETE=complete_{shell}" in (tmp_path / script).read_text()
    if read is not None:
        assert Path(script).parts[0] in (tmp_path / read).read_text()


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_itself_completes(tmp_path, paribus):
    """Its own completion function is called as a key press calls it."""
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = paribus("--show-completion", "bash", **named).stdout
    command = tmp_path / "paribus"
    command.write_text(f"#!{sys.executable}\nimport paribus.cli\nparibus.cli.main()\n")
    command.chmod(0o755)
    pressed = (
        f"{script}\nCOMP_WORDS=(paribus kinds integ); COMP_CWORD=2\n"
        '_paribus_completion paribus integ kinds; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    path = f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"
    source = str(Path(pb.__file__).parents[1])
    done = subprocess.run(
        ["bash", "--norc", "-c", pressed],
        capture_output=True,
        text=True,
        env={"PATH": path, "PYTHONPATH": source},
    )
    assert (done.stdout, done.stderr) == ("integers\n", "")


def test_it_completes_the_families_that_there_are():
    assert _completion._families() == _FAMILIES
