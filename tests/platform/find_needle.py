"""Looks for a text in files and folders: as it is, in base64 at any alignment, and in gzip, one within another.

    find_needle.py NEEDLE PATH…

It prints where it stands as JSON: a list of paths. What cannot be read (a socket, a file that has gone) holds nothing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 5
BLOB = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def encoded(needle: bytes) -> set[bytes]:
    """What a base64 text must hold that holds the needle: the letters that no neighbour can change."""
    forms = set()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + needle)
        first = (shift * 8 + 5) // 6
        last = (shift + len(needle)) * 8 // 6
        forms.add(text[first:last])
        forms.add(text[first:last].translate(bytes.maketrans(b"+/", b"-_")))
    return forms


def within(data: bytes) -> Iterator[bytes]:
    """What the data hold in another form."""
    start = data.find(b"\x1f\x8b\x08")
    while start >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(data[start:])
        start = data.find(b"\x1f\x8b\x08", start + 1)
    for blob in BLOB.findall(data):
        text = blob.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue


def holds(data: bytes, forms: set[bytes], depth: int = DEPTH) -> bool:
    """Whether the data hold one of the forms, at any depth."""
    if any(form in data for form in forms):
        return True
    return depth > 0 and any(len(inner) >= 16 and holds(inner, forms, depth - 1) for inner in within(data))


def files(path: Path) -> Iterator[Path]:
    """The files of a folder, or the file itself."""
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            if inner.is_file() and not inner.is_symlink():
                yield inner
    elif path.is_file():
        yield path


def main() -> None:
    """Look everywhere."""
    needle = sys.argv[1].encode()
    forms = {needle} | encoded(needle)
    found = []
    for root in sys.argv[2:]:
        for file in files(Path(root)):
            try:
                data = file.read_bytes()
            except OSError:
                continue
            if holds(data, forms):
                found.append(str(file))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
