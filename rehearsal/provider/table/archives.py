"""Pulumi's assets and archives as the bytes that AWS receives. The same content always gives the same bytes."""

from __future__ import annotations

import io
import pathlib
import zipfile
from typing import Any

import pulumi

# The oldest time a zip file can hold: equal content gives an equal archive, whenever it is packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def _files(value: Any, prefix: str = "") -> dict[str, bytes]:
    if isinstance(value, pulumi.AssetArchive):
        found: dict[str, bytes] = {}
        for name, part in value.assets.items():
            found |= _files(part, f"{prefix}/{name}".lstrip("/"))
        return found
    if isinstance(value, pulumi.FileArchive):
        path = pathlib.Path(value.path)
        if path.is_dir():
            return {
                f"{prefix}/{file.relative_to(path).as_posix()}".lstrip("/"): file.read_bytes()
                for file in sorted(path.rglob("*"))
                if file.is_file() and "__pycache__" not in file.parts
            }
        with zipfile.ZipFile(path) as archive:
            return {f"{prefix}/{name}".lstrip("/"): archive.read(name) for name in archive.namelist()}
    if isinstance(value, pulumi.FileAsset):
        return {prefix: pathlib.Path(str(value.path)).read_bytes()}
    if isinstance(value, pulumi.StringAsset):
        return {prefix: value.text.encode()}
    raise TypeError(f"{type(value).__name__} is not an asset or archive that can be packed here")


def as_zip(value: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_files(value).items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
