"""Writes the FileDescriptorSet of all protocol files in the engine's Python wheel (argument 1) to stdout.

Nothing of the wheel is run: the serialized descriptors are literals in its generated modules.
"""

from __future__ import annotations

import ast
import sys
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def varint(number: int) -> bytes:
    """Protobuf's form of a number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def descriptors(source: bytes) -> Iterator[bytes]:
    """The serialized files that a generated module registers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            yield ast.literal_eval(node.args[0])


with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith("pulumi/runtime/proto/") and name.endswith("_pb2.py"):
            for descriptor in descriptors(wheel.read(name)):
                # Field 1 of a FileDescriptorSet: one file.
                sys.stdout.buffer.write(b"\x0a" + varint(len(descriptor)) + descriptor)
