"""A tar.gz of a few small files: the same files, the same bytes; read with suspicion."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_BYTES = 256 * 1024 * 1024
"""Of all members together, with their headers; a compressed file may not be larger either."""
MAX_MEMBER_BYTES = 64 * 1024 * 1024
MAX_MEMBERS = 100

_WBITS = 16 + zlib.MAX_WBITS
"""One gzip stream with its checksum. Source: zlib manual, inflateInit2."""
_REMEDY = "get the file again from where it was made."


def packed(members: Mapping[str, bytes]) -> bytes:
    """The tar.gz; names and contents alone decide its bytes.

    Raises: InputError: a member, or all together, are larger than `unpacked` would read.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            if len(members[name]) > MAX_MEMBER_BYTES:
                raise _too_large(name)
            info = tarfile.TarInfo(name)
            info.size = len(members[name])
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(members[name]))
    raw = buffer.getvalue()
    if len(raw) > MAX_BYTES:
        raise _too_large("the whole")
    return gzip.compress(raw, mtime=0)


def unpacked(data: bytes, known: Callable[[str], bool]) -> dict[str, bytes]:
    """The members by name; `known` says of a name whether it may be there.

    Nothing is written to disk, and no more than the bounds above is ever held.
    Raises: InputError: damaged, too large, or it holds anything but known plain files, once each.
    """
    raw = _inflated(data)
    members: dict[str, bytes] = {}
    at = 0
    # Not tarfile's reader: it follows pax headers, links and sparse maps, all of which are hostile
    # here; its parser of one header is enough.
    while (block := raw[at : at + tarfile.BLOCKSIZE]).strip(b"\0"):
        info = _header(block)
        start = at + tarfile.BLOCKSIZE
        content = raw[start : start + info.size]
        if not known(info.name) or info.name in members or len(members) == MAX_MEMBERS:
            raise InputError(
                f"The archive holds {printable(info.name)!r}, which does not belong there.",
                remedy=_REMEDY,
            )
        if len(content) != info.size:
            raise _damaged(f"{info.name} is cut off")
        members[info.name] = content
        at = start + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if raw[at:].strip(b"\0") or not block:
        raise _damaged("its end is not where it should be")
    return members


def _inflated(data: bytes) -> bytes:
    reader = zlib.decompressobj(_WBITS)
    try:
        raw = reader.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise _damaged(str(error)) from None
    if len(raw) > MAX_BYTES:
        raise _too_large("the whole")
    if not reader.eof or reader.unused_data:
        raise _damaged("it is cut off, or something follows it")
    return raw


def _header(block: bytes) -> tarfile.TarInfo:
    """The header of one plain file. Raises: InputError."""
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.TarError, ValueError) as error:
        raise _damaged(str(error)) from None
    if info.type != tarfile.REGTYPE:
        raise InputError(
            f"The archive holds {printable(info.name)!r}, which is no plain file.", remedy=_REMEDY
        )
    if not 0 <= info.size <= MAX_MEMBER_BYTES:
        raise _too_large(printable(info.name))
    return info


def _damaged(why: str) -> InputError:
    return InputError(f"The archive is damaged: {printable(why)}.", remedy=_REMEDY)


def _too_large(what: str) -> InputError:
    return InputError(
        f"The archive is too large: {what} is beyond the bounds of evidence.",
        remedy="there is no way to read or make a larger one.",
    )
