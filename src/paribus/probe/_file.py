"""What all model files have in common: finding them, their fingerprint, and what to say of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from paribus.errors import ModelError, nearest

PATH = "$.model.path"


def found(path: str) -> Path:
    """Find a model's file; a relative path starts at the current directory.

    Raises
    ------
    ModelError
        Where there is no such file; says which name in its directory is nearest.
    """
    file = Path(path)
    if file.is_file():
        return file
    if file.is_dir():
        raise ModelError(f'"{path}" is a directory, not a model\'s file', path=PATH)
    try:
        names = sorted(entry.name for entry in file.parent.iterdir() if entry.is_file())
    except (OSError, ValueError):
        raise ModelError(f'there is no file "{path}", nor its directory', path=PATH) from None
    near = nearest(file.name, names)
    # What else lies in a directory is of use only where a name is near.
    raise ModelError(f'there is no file "{path}"{near if near.startswith(";") else ""}', path=PATH)


def digest(file: Path) -> str:
    """Give the SHA-256 of the file's bytes, in hexadecimal.

    Raises
    ------
    ModelError
        Where the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f'"{file}" cannot be read: {error.strerror}', path=PATH) from None


def missing(what: str, package: str, install: str) -> ModelError:
    """Say which package reading a kind of file takes, and how to get it."""
    return ModelError(f"reading {what} takes {package}; install it with: {install}", path="$.model")


def unreadable(file: Path, what: str, error: Exception | str) -> ModelError:
    """Say that a file is not what its name says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = lines[0][:200].rstrip(".:") if lines else type(error).__name__
    return ModelError(f'"{file}" cannot be read as {what}: {why}', path=PATH)
