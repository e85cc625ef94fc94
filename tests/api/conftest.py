from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import create_app
from api.fake_airflow import FakeAirflow
from calisota.artifacts import ArtifactStore
from calisota.sandbox.fake import FakeSandbox
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fastapi import FastAPI

KEYS = {"local": "local-key", "other": "other-key"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings(home=tmp_path, max_body_bytes=64 * 1024, sandbox_concurrency=2)
    chosen.secrets.mkdir()
    (chosen.secrets / "airflow_admin_password").write_text("secret\n")
    (chosen.secrets / "llm_api_key").write_text("embedded-key\n")
    lines = [
        {"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest()}
        for name, key in KEYS.items()
    ]
    (chosen.secrets / "api_keys.json").write_text(json.dumps(lines))
    return chosen


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts)


@pytest.fixture
def airflow() -> FakeAirflow:
    return FakeAirflow()


class ModelEndpoint:
    """The `/models` of an endpoint that answers with `status`; None: it is down."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.seen: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.status is None:
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(self.status, json={"data": []})


@pytest.fixture
def model() -> ModelEndpoint:
    return ModelEndpoint()


@pytest.fixture
def sandbox() -> FakeSandbox:
    return FakeSandbox()


@pytest.fixture
def app(
    settings: Settings, airflow: FakeAirflow, model: ModelEndpoint, sandbox: FakeSandbox
) -> FastAPI:
    def route(request: httpx.Request) -> httpx.Response:
        to_model = str(request.url).startswith(settings.llm)
        return model.handle(request) if to_model else airflow.handle(request)

    return create_app(settings, transport=httpx.MockTransport(route), open_sandbox=lambda: sandbox)


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield client


@pytest.fixture
def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    anonymous.headers["Authorization"] = f"Bearer {KEYS['local']}"
    return anonymous
