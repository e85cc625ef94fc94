"""One endpoint as our errors speak of it: its address, its settings, and none of its secrets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from calisota.errors import ModelRejected, ModelUnavailable
from calisota.models.base import Frozen
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calisota.models import Route

# An endpoint that asks for a day would park the Solve until its time is over.
MAX_RETRY_AFTER_S = 120.0

LEAST_SECRET = 6
"""Shorter keys are placeholders, such as `none` and `EMPTY`: words of our own sentences."""

_MAX_MESSAGE = 300


class Endpoint(Frozen):
    """Where a model is, and how to name what is wrong with it."""

    base_url: SecretStr
    """As configured; it may hold a password."""
    key: SecretStr
    settings: str = "CALISOTA_LLM"
    """How the names of its settings begin."""

    @property
    def shown(self) -> str:
        """Its URL without user, password and query."""
        parts = urlsplit(self.base_url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))

    def clean(self, text: str) -> str:
        """The first line of `text`, short, safe to show, and without a secret of ours."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        lines = text.strip().splitlines()
        return printable(lines[0][:_MAX_MESSAGE]).rstrip(".") if lines else "no message"

    def _secrets(self) -> list[str]:
        parts = urlsplit(self.base_url.get_secret_value())
        values = [self.key.get_secret_value(), parts.password or "", *_query_values(parts.query)]
        whole = {form for value in values for form in (value, unquote(value))}
        return sorted((v for v in whole if len(v) >= LEAST_SECRET), key=len, reverse=True)

    def unavailable(
        self, why: str, *, retry_after_s: float | None = None, perhaps_charged: bool = False
    ) -> ModelUnavailable:
        """It did not answer, and may later."""
        return ModelUnavailable(
            f"The model endpoint {self.shown} did not answer: {self.clean(why)}.",
            remedy=f"see that it runs (the embedded one: `calisota up`), or correct "
            f"{self.settings}_BASE_URL.",
            retry_after_s=retry_after_s,
            perhaps_charged=perhaps_charged,
        )

    def rejected(
        self, status: int, why: str, *, model: str, route: Route, too_long: bool = False
    ) -> ModelRejected:
        """It will not answer this call however often it is asked."""
        key, name = f"{self.settings}_API_KEY", self._model_setting(route)
        if too_long:
            remedy = "lower CALISOTA_LLM_MAX_TOKENS, set CALISOTA_LLM_CONTEXT_TOKENS to the model's"
        else:
            remedy = {
                401: f"correct {key}",
                402: f"see to the credit of the account behind {key}",
                403: f"see that {key} may use this model, or name another in {name}",
                404: f"correct {name}, or {self.settings}_BASE_URL, which usually ends in /v1",
            }.get(
                status, f"check {key}, {name} and the prompt's length against the model's context"
            )
        return ModelRejected(
            f"The model endpoint {self.shown} refused the call ({status}, model {model!r}): "
            f"{self.clean(why)}.",
            remedy=f"{remedy}.",
        )

    def no_endpoint(self, why: str) -> ModelRejected:
        """What is there does not speak the protocol."""
        return ModelRejected(
            f"{self.shown} is no OpenAI-compatible endpoint: {self.clean(why)}.",
            remedy=f"correct {self.settings}_BASE_URL; it usually ends in /v1.",
        )

    def _model_setting(self, route: Route) -> str:
        one_for_all = self.settings != "CALISOTA_LLM"
        return f"{self.settings}_MODEL" if one_for_all else f"{self.settings}_MODEL_{route.upper()}"


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """How long an endpoint asks us to wait; None: it does not say.

    Source: RFC 9110, 10.2.3 (seconds, or a date); `retry-after-ms` is OpenAI's and Azure's.
    """
    text = headers.get("retry-after", "").strip()
    ms = headers.get("retry-after-ms", "").strip()
    number = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
    if number.fullmatch(ms):
        seconds = float(ms) / 1000
    elif number.fullmatch(text):
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, OverflowError):  # the latter by a year or zone of many digits
            return None
        if date.tzinfo is None:  # a zone of -0000; HTTP knows no other than GMT
            date = date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _query_values(query: str) -> list[str]:
    return [pair.partition("=")[2] for pair in query.split("&") if pair]
