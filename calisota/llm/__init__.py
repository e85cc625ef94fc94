"""Model calls: one Protocol, the real OpenAI-compatible client, and a scripted stand-in.

The client is in `calisota.llm.openai_chat`, which imports the SDK (half a second).
"""

from calisota.llm.chat import ChatModel, ChatRequest, ChatResponse, Message, ScriptedChat

__all__ = ["ChatModel", "ChatRequest", "ChatResponse", "Message", "ScriptedChat"]
