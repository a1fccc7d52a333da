"""Print the lowest allowed version of every direct dependency, as constraints for pip.

Reads pyproject.toml: the dependencies and all extras. `name>=1.2` becomes `name==1.2`; a bare name
(a tool) and a reference to our own extras stay free.
"""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
requirements = [
    *project["dependencies"],
    *(item for extra in project["optional-dependencies"].values() for item in extra),
]
for requirement in sorted(set(requirements)):
    if bound := re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?\s*>=\s*([\w.]+)", requirement):
        print(f"{bound[1]}=={bound[2]}")
    elif re.search(r"[<>=~!;]", requirement):
        raise SystemExit(f"tools/lowest.py cannot read {requirement!r}: write name>=version")
