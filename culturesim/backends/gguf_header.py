"""The metadata at the head of a GGUF file: architecture, quantisation, chat template.

Lists are skipped, not read: the ``gguf`` package makes an object of each of a vocabulary's 262,144 words, which takes
nine seconds for what is wanted here. Format: ggml-org/ggml, docs/gguf.md, versions 2 and 3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from culturesim.errors import BackendError

Value = str | int | float | bool

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9

_QUANTISATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16",
}  # fmt: skip
"""``general.file_type``, by its number."""


def read_header(path: Path) -> Mapping[str, Value]:
    """The metadata of a GGUF file by key, without its lists; ``BackendError`` where the file is none."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise BackendError(f"{path}: not a GGUF file")
        try:
            _version, _n_tensors, n_values = struct.unpack("<IQQ", file.read(20))
            return {key: value for key, value in (_entry(file) for _ in range(n_values)) if value is not None}
        except (struct.error, KeyError, UnicodeDecodeError, OverflowError, MemoryError) as error:
            raise BackendError(f"{path}: damaged, or a GGUF of a version that is not known here") from error


def quantisation(header: Mapping[str, Value]) -> str:
    """How the weights are packed, such as "Q4_1"."""
    number = header.get("general.file_type")
    return _QUANTISATIONS.get(int(number), f"file type {number}") if number is not None else "not told"


def _entry(file: BinaryIO) -> tuple[str, Value | None]:
    key = _text(file)
    return key, _value(file, _number(file, "<I"))


def _value(file: BinaryIO, kind: int) -> Value | None:
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        _skip(file, _number(file, "<I"), _number(file, "<Q"))
        return None
    value: Value = struct.unpack(_SCALARS[kind], file.read(struct.calcsize(_SCALARS[kind])))[0]
    return value


def _skip(file: BinaryIO, kind: int, count: int) -> None:
    if kind in _SCALARS:
        file.seek(count * struct.calcsize(_SCALARS[kind]), 1)
        return
    for _ in range(count):
        if kind == _TEXT:
            file.seek(_number(file, "<Q"), 1)
        else:
            _value(file, kind)


def _number(file: BinaryIO, form: str) -> int:
    number: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return number


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "<Q")).decode()
