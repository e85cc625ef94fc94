"""Who asks: API keys, of which only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import Field, TypeAdapter, ValidationError

from calisota.errors import PermanentError
from calisota.models import Frozen

if TYPE_CHECKING:
    from pathlib import Path

bearer_scheme = HTTPBearer(auto_error=False, description="An API key of CALISOTA.")
header_scheme = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same key, where a Bearer token is in use."
)


class ApiKey(Frozen):
    """One line of the key file."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")
    """Who the key belongs to; a Solve is visible to the key id that started it."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


_KEYS = TypeAdapter(list[ApiKey])


class KeyRing:
    """The keys in one file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: list[ApiKey] = []

    def owner(self, key: str) -> str | None:
        """The id of this key, or None: unknown.

        Every line is compared, each in constant time, so the answer's delay tells nothing.
        Raises: PermanentError: the file is absent or damaged; `calisota up` writes it.
        """
        digest = hashlib.sha256(key.encode()).hexdigest()
        owner = None
        for known in self._read():
            if hmac.compare_digest(known.sha256, digest):
                owner = known.id
        return owner

    def _read(self) -> list[ApiKey]:
        remedy = "run `calisota up`, which makes the keys."
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                self._keys = _KEYS.validate_json(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            raise PermanentError("There is no file of API keys.", remedy=remedy) from None
        except ValidationError:
            raise PermanentError("The file of API keys does not parse.", remedy=remedy) from None
        return self._keys
