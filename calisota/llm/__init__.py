"""Model calls: one Protocol, the real OpenAI-compatible client, and a scripted stand-in.

The client is in `calisota.llm.openai_chat`, which imports the SDK (half a second).
"""

from calisota.llm.chat import (
    EMBEDDED_MODEL,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Message,
    ScriptedChat,
)

__all__ = ["EMBEDDED_MODEL", "ChatModel", "ChatRequest", "ChatResponse", "Message", "ScriptedChat"]
