"""What the tests of the client share: one full request, and settings that point at a server."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from calisota.llm import ChatRequest, ChatResponse, Message
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import ScriptedServer
from calisota.models import Route
from calisota.settings import Settings

KEY = "sk-secret-4711"


class Shape(BaseModel):
    value: int


ASK = ChatRequest(
    route=Route.FAST,
    messages=[Message(role="user", content="one two three")],
    temperature=0.5,
    max_tokens=50,
    answer_schema=Shape,
    stop="END",
    seed=7,
)


def pointed_at(base_url: str, tmp_path: Path, **changes: Any) -> Settings:
    values = {"home": tmp_path, "llm_base_url": base_url, "llm_api_key": KEY}
    models = {f"llm_model_{route}": "m" for route in ("slow", "fast", "critic")}
    return Settings.model_validate(values | models | changes)


async def ask(
    server: ScriptedServer, tmp_path: Path, request: ChatRequest = ASK, **changes: Any
) -> ChatResponse:
    async with open_chat(pointed_at(server.base_url, tmp_path, **changes)) as chat:
        return await chat.complete(request)
