"""presort from Python: the program of the same package, and its receipt.

>>> import presort
>>> receipt = presort.clean("export.csv", output="bodies", list_ids=["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"])
>>> receipt.contacts.accepted, receipt.contacts.rejected, [body.file for body in receipt.payloads]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence, Union

__all__ = ["Contacts", "Payload", "PresortError", "Receipt", "clean", "program", "run"]

StrPath = Union[str, "os.PathLike[str]"]


class PresortError(Exception):
    """The program could not do what it was asked for: exit status 2, or a signal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message or f"presort ended with {status}")
        self.status = status


@dataclass(frozen=True)
class Contacts:
    """Counts of contacts: `seen` is the sum of `accepted` and `rejected`."""

    seen: int
    accepted: int
    rejected: int
    accepted_with_held_back: int
    changed: int
    duplicates: int


@dataclass(frozen=True)
class Payload:
    """A body that was written."""

    file: str
    contacts: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Receipt:
    """What a run did. `raw` is the whole receipt."""

    contacts: Contacts
    findings: Mapping[str, int]
    payloads: Sequence[Payload]
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Receipt:
        """From the JSON of a receipt."""
        counts = {name: raw["contacts"][name] for name in Contacts.__dataclass_fields__}
        bodies = [Payload(**{name: body[name] for name in Payload.__dataclass_fields__}) for body in raw["payloads"]]
        return cls(Contacts(**counts), dict(raw["findings"]), bodies, raw)


def program() -> str:
    """The path of the program."""
    name = "presort" + (sysconfig.get_config_var("EXE") or "")
    schemes = [sysconfig.get_path("scripts")]
    if hasattr(sysconfig, "get_preferred_scheme"):
        schemes.append(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))
    # Of pip install --target, and of environments that were moved.
    package = Path(__file__).resolve().parent
    schemes += [str(package.parent / "bin"), str(Path(sys.executable).parent)]
    for folder in schemes:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(f"{name} is in none of {', '.join(schemes)}: install the package again")


def run(
    args: Sequence[StrPath], *, input: Union[bytes, None] = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Runs the program with these arguments, and returns what it wrote.

    Exit status 1 is a result (something was rejected, held back or dropped), and 2 an error, which raises PresortError unless `check` is
    false.
    """
    command = [program(), *(os.fspath(arg) for arg in args)]
    if input is None:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    else:
        done = subprocess.run(command, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode not in (0, 1):
        raise PresortError(done.returncode, done.stderr.decode(errors="replace").strip())
    return done


def clean(
    path: Union[StrPath, Sequence[StrPath]],
    *,
    output: Union[StrPath, None] = None,
    format: str = "payload",
    split: Union[bool, None] = None,
    list_ids: Sequence[str] = (),
    findings: Union[StrPath, None] = None,
    rejects: Union[StrPath, None] = None,
    changes: Union[StrPath, None] = None,
    force: bool = False,
    options: Sequence[str] = (),
) -> Receipt:
    """Cleans an export, and returns the receipt.

    With `output`, `format="payload"` writes bodies into that directory (`split=False`: one body to that file), and `format="ndjson"` one
    contact per line to that file. Without it, nothing but `findings` is written: the export is checked. `options` are further ones of the
    command line, such as `["--truncate", "--map", "auto"]`.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    if output is None and (rejects is not None or changes is not None):
        raise ValueError("rejects and changes are of a run that writes contacts: give output as well")
    if format not in ("payload", "ndjson"):
        raise ValueError(f"format is {format!r}: it is payload or ndjson")
    args: list[StrPath] = ["check" if output is None else "clean", "--quiet", *options]
    if output is not None:
        args += ["--output", output, "--format", format]
        if split if split is not None else format == "payload":
            args.append("--split")
    for one in list_ids:
        args += ["--list-id", one]
    for option, value in (("--report", findings), ("--rejects", rejects), ("--changes", changes)):
        if value is not None:
            args += [option, value]
    if force:
        args.append("--force")
    with tempfile.TemporaryDirectory() as folder:
        receipt = os.path.join(folder, "receipt.json")
        run([*args, "--receipt", receipt, "--", *paths])
        with open(receipt, encoding="utf-8") as file:
            return Receipt.of(json.load(file))
