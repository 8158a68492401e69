"""How commands tell in which encoding they read; it knows no command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rnnlm.cli.show import remark

NAME_IT = "name its encoding with --encoding"  # what to do about other text where a command has the option


def tell_encodings(files: Iterable[str | Path], encoding: str | None) -> None:
    """Says which files are not read as UTF-8, where no encoding is named: one may be taken for another."""
    from rnnlm.text.reader import encoding_of

    for file in () if encoding else dict.fromkeys(map(str, files)):
        if Path(file).is_file() and (found := encoding_of(file)) not in ("utf-8", "utf-8-sig"):
            remark(f"{file} is read as {found}; if that is wrong, {NAME_IT}")
