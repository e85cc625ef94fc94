"""The key of one installation, with which it signs evidence: Ed25519 (RFC 8032)."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from calisota.errors import InputError, PermanentError

if TYPE_CHECKING:
    from pathlib import Path

    from calisota.settings import Settings

KEY_FILE = "evidence_key"
KEY_BYTES = 32


def sign(message: bytes, settings: Settings) -> bytes:
    """The 64 bytes of the signature by this installation's key, which is made at the first call.

    Raises: PermanentError: the key can be neither read nor made.
    """
    return _private_key(settings).sign(message)


def public_key(settings: Settings) -> bytes:
    """The public half of this installation's key, in PEM; the key is made at the first call.

    Raises: PermanentError: the key can be neither read nor made.
    """
    return _pem(_private_key(settings).public_key())


def is_signed(message: bytes, signature: bytes, pem: bytes) -> bool:
    """Whether the owner of the public key `pem` signed `message`. Raises: InputError: no key."""
    try:
        _read(pem).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def same_key(one: bytes, other: bytes) -> bool:
    """Whether two PEM texts hold the same public key. Raises: InputError: one holds none."""
    return _read(one).public_bytes_raw() == _read(other).public_bytes_raw()


def _read(pem: bytes) -> Ed25519PublicKey:
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise InputError(
            "This is no public key of evidence.",
            remedy="use what `calisota evidence --public-key` prints.",
        )
    return found


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private_key(settings: Settings) -> Ed25519PrivateKey:
    path = settings.secrets / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return Ed25519PrivateKey.from_private_bytes(
            base64.b64decode(path.read_text().strip(), validate=True)
        )
    except OSError as error:
        raise PermanentError(
            f"The key {path} cannot be used: {error.strerror}.",
            remedy="see that this user may read and write the folder.",
        ) from None
    except ValueError:
        raise PermanentError(
            f"The key {path} is damaged.",
            remedy="put it back from a backup, or delete it: evidence is then signed by a new key.",
        ) from None


def _make(path: Path) -> None:
    """Write a new key, unless somebody else does at the same moment: then theirs stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)))
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink()
