"""The keys of S3's objects. Owns which names can be one, and how any name is shown on one line."""

from __future__ import annotations

import os

# S3 guide, object key names. FSx exports nothing that has another (FSx guide, exporting changes).
LONGEST_BYTES = 1024


def is_utf8(name: str) -> bool:
    """Whether a name, of which any bytes can be in a file system, is text."""
    try:
        os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_too_long(name: str) -> bool:
    return len(os.fsencode(name)) > LONGEST_BYTES


def shown(name: str) -> str:
    """A name as a log or a report can show it, on one line."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
