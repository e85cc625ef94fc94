"""The endpoints that the settings name: the first, and the one that stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from calisota.errors import ModelUnavailable, PermanentError
from calisota.llm.chat import ALWAYS_THERE, EMBEDDED_MODEL
from calisota.llm.endpoint import Endpoint
from calisota.models import Route

if TYPE_CHECKING:
    from calisota.settings import Settings


def first_endpoint(settings: Settings) -> tuple[Endpoint, dict[Route, str]]:
    """The embedded model, or the endpoint at CALISOTA_LLM_BASE_URL, and its model by route.

    Raises: PermanentError: an endpoint of your own needs a URL and model names.
    ModelUnavailable: the embedded model was never started.
    """
    url = SecretStr(settings.llm)
    if settings.llm_is_embedded:
        key = SecretStr(_embedded_key(settings))
        return _checked(Endpoint(base_url=url, key=key)), dict.fromkeys(
            ALWAYS_THERE, EMBEDDED_MODEL
        )
    named = {
        Route.SLOW: settings.llm_model_slow,
        Route.FAST: settings.llm_model_fast,
        Route.CRITIC: settings.llm_model_critic,
        Route.FRONTIER: settings.llm_model_frontier,
    }
    models = {route: name for route, name in named.items() if name}
    missing = [f"CALISOTA_LLM_MODEL_{r.upper()}" for r in ALWAYS_THERE if r not in models]
    if missing:
        raise PermanentError(
            f"CALISOTA_LLM_BASE_URL is set, but not {', '.join(missing)}.",
            remedy="name a model for each route.",
        )
    key = _key(settings.llm_api_key, "CALISOTA_LLM_API_KEY")
    return _checked(Endpoint(base_url=url, key=key)), models


def fallback_endpoint(settings: Settings) -> tuple[Endpoint, dict[Route, str]] | None:
    """The endpoint at CALISOTA_LLM_FALLBACK_BASE_URL and its model; None: none is configured.

    Raises: PermanentError: it needs a URL and a model's name.
    """
    if settings.llm_fallback_base_url is None:
        return None
    if not settings.llm_fallback_base_url or not settings.llm_fallback_model:
        raise PermanentError(
            "CALISOTA_LLM_FALLBACK_BASE_URL is set, but not CALISOTA_LLM_FALLBACK_MODEL.",
            remedy="name the model that stands in, or unset both.",
        )
    endpoint = Endpoint(
        base_url=SecretStr(settings.llm_fallback_base_url),
        key=_key(settings.llm_fallback_api_key, "CALISOTA_LLM_FALLBACK_API_KEY"),
        settings="CALISOTA_LLM_FALLBACK",
    )
    return _checked(endpoint), dict.fromkeys(Route, settings.llm_fallback_model)


def _checked(endpoint: Endpoint) -> Endpoint:
    try:
        _ = endpoint.shown
    except ValueError:
        raise PermanentError(
            f"{endpoint.settings}_BASE_URL is no URL.",
            remedy="correct it; it usually ends in /v1.",
        ) from None
    return endpoint


def _key(configured: SecretStr | None, setting: str) -> SecretStr:
    """The key, without the line feed a file leaves. Raises: PermanentError: it fits no header."""
    key = configured.get_secret_value().strip() if configured else ""
    if key and not (key.isascii() and key.isprintable()):
        raise PermanentError(
            f"{setting} holds characters that no HTTP header can carry.", remedy="copy it again."
        )
    return SecretStr(key or "none")


def _embedded_key(settings: Settings) -> str:
    try:
        return (settings.secrets / "llm_api_key").read_text().strip()
    except FileNotFoundError:
        raise ModelUnavailable(
            "The embedded model server was never started here.", remedy="run `calisota up`."
        ) from None
