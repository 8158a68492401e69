"""Files to lines of text, whatever their encoding, packed or not; it does not know what a line means.

UTF-8, UTF-16 with its mark, and GB18030 are recognised from the first part of a file; another is named. A file ending
in `.gz` is unpacked on the way. `-` is standard input.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import shutil
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

from rnnlm.errors import CorpusError

SAMPLE = 1 << 20
SOME = 1 << 16  # bytes that tell how many characters a byte makes


def read_lines(path: str | Path, encoding: str | None = None) -> Iterator[str]:
    """The lines of a file without their ends.

    Raises CorpusError where the file is missing, cannot be read, or is not text in the encoding found or named.
    """
    name = encoding or ""
    try:
        with reading(path), io.BufferedReader(open_binary(path), SAMPLE) as buffered:  # type: ignore[type-var]
            name = name or recognise(buffered.peek(SAMPLE)[:SAMPLE], path)
            with io.TextIOWrapper(buffered, name, newline=None) as lines:
                for line in lines:
                    yield line.removeprefix("\ufeff").rstrip("\n")  # a mark inside, where files were put together
    except LookupError:
        raise CorpusError(f"there is no encoding called {name!r}", "try utf-8, gb18030 or utf-16") from None
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not {name} text (byte {error.start} of a block)", "name its encoding with --encoding"
        ) from None
    except UnicodeError as error:  # of encodings that must begin with a mark, as UTF-16
        raise CorpusError(f"{path} is not {name} text: {error}", f"try --encoding {name}-le or {name}-be") from None
    except ValueError as error:
        raise CorpusError(f"{path} cannot be read as {name!r}: {error}") from None


def encoding_of(path: str | Path) -> str:
    """The encoding in which a file is read where nobody names one."""
    with reading(path), io.BufferedReader(open_binary(path), SAMPLE) as buffered:  # type: ignore[type-var]
        return recognise(buffered.peek(SAMPLE)[:SAMPLE], path)


def characters_in(path: str | Path, encoding: str | None = None) -> int | None:
    """About how many characters a file holds, by its size and its beginning; None where that cannot be told."""
    if is_pipe(path):
        return None
    with contextlib.suppress(OSError, ValueError, LookupError, zlib.error, CorpusError), Path(path).open("rb") as file:
        beginning = sample = file.read(SOME)
        used = len(beginning)
        if str(path).endswith(".gz"):
            unpacker = zlib.decompressobj(wbits=31)
            sample = unpacker.decompress(beginning, SAMPLE)
            used -= len(unpacker.unconsumed_tail)
        decoder = codecs.getincrementaldecoder(encoding or recognise(sample, path))("ignore")
        return len(decoder.decode(sample)) * Path(path).stat().st_size // max(1, used)
    return None


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turns what goes wrong in reading or unpacking `path` into a CorpusError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path} cannot be read: {error}") from None


def open_binary(path: str | Path) -> BinaryIO:
    """The bytes of a file or of standard input, unpacked."""
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        if str(path).endswith(".gz"):
            return cast(BinaryIO, gzip.open(path))
        return Path(path).open("rb")
    except FileNotFoundError:
        raise CorpusError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} is a folder", "name its files, or give a folder with train.txt to train") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from None


def recognise(sample: bytes, path: str | Path) -> str:
    """The encoding of a file that begins with `sample`."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in sample:
        for name in ("utf-8", "gb18030"):
            try:
                codecs.getincrementaldecoder(name)().decode(sample)
            except UnicodeDecodeError:
                continue
            return name
    raise CorpusError(
        f"{path} does not look like text", "UTF-8, GB18030 and UTF-16 are read; name another with --encoding"
    )


def read_all(paths: Sequence[str | Path], encoding: str | None = None) -> Iterator[str]:
    """The lines of several files one after another; each file ends a document."""
    for path in paths:
        yield from read_lines(path, encoding)
        yield ""


def is_pipe(path: str | Path) -> bool:
    """Can it be read only once? A text is read several times."""
    return str(path) == "-" or not (Path(path).is_file() or Path(path).is_dir() or not Path(path).exists())


def copied(path: str | Path, place: Path) -> str | Path:
    """A copy of what a pipe holds, in the new folder `place`; any other file as it is."""
    if not is_pipe(path):
        return path
    place.mkdir()
    piped = str(path) == "-"
    copy = place / ("standard input" if piped else Path(path).name.removesuffix(".gz"))
    source = open_binary(path)
    with reading(path), nullcontext(source) if piped else source, copy.open("wb") as file:
        shutil.copyfileobj(source, file)
    return copy
