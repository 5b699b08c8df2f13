"""Pulumi's wire format (protobuf structs with signed markers) to and from plain values: unknowns, secrets, assets and
archives."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from ..table import UNKNOWN, Props, Unknown

_SIGNATURE = rpc._special_sig_key


def decode(message: struct_pb2.Struct) -> Props:
    """The values as plain Python: whole numbers as int, secrets unwrapped, unknowns as UNKNOWN. Assets and archives
    stay in wire form."""
    return {name: _decoded(value) for name, value in message.fields.items()}


def _decoded(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = decode(value.struct_value)
        return fields["value"] if fields.get(_SIGNATURE) == rpc._special_secret_sig else fields
    if kind == "list_value":
        return [_decoded(item) for item in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    return value.bool_value if kind == "bool_value" else None


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain values as a struct, without those that are None."""
    message = struct_pb2.Struct()
    message.update({name: _encoded(value) for name, value in values.items() if value is not None})
    return message


def _encoded(value: Any) -> Any:
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {name: _encoded(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return value


def is_packed(value: Any) -> bool:
    """Whether the value is an asset or archive in wire form."""
    return isinstance(value, Mapping) and value.get(_SIGNATURE) in (rpc._special_asset_sig, rpc._special_archive_sig)


def unpack(value: Any, folder: pathlib.Path) -> Any:
    """The value, with assets and archives as Pulumi's objects. Relative paths start at the program's folder."""
    if is_packed(value):
        return _unpacked(value, folder)
    if isinstance(value, Mapping):
        return {name: unpack(item, folder) for name, item in value.items()}
    if isinstance(value, list):
        return [unpack(item, folder) for item in value]
    return value


def _unpacked(value: Mapping[str, Any], folder: pathlib.Path) -> pulumi.Asset | pulumi.Archive:
    archive = value[_SIGNATURE] == rpc._special_archive_sig
    if value.get("path"):
        path = str(folder / value["path"])
        return pulumi.FileArchive(path) if archive else pulumi.FileAsset(path)
    if archive:
        return pulumi.AssetArchive(
            {name: _unpacked(part, folder) for name, part in (value.get("assets") or {}).items()}
        )
    return pulumi.StringAsset(value.get("text") or "")


def repacked(values: Props, sent: Props) -> Props:
    """Outputs for the wire: an asset or archive is given back in the form in which it was sent."""
    return {
        name: sent.get(name) if isinstance(value, pulumi.Asset | pulumi.Archive) else value
        for name, value in values.items()
    }
