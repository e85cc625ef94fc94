"""The endpoints there are, each as a script that enforces its quirks in its own words.

The shapes of the errors, and most sentences, are those of the products' documentation and issue
trackers; none of the products was run for this but llama.cpp, whose server is embedded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calisota.llm.scripted_server import Answer, completion

Json = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    name: str
    script: Callable[[Json], Answer]
    calls: int
    """Most calls until a request with every option is answered for the first time."""
    kept: frozenset[str]
    """The options that are still sent then."""


def error(status: int, **fields: Any) -> Answer:
    return status, {}, {"error": fields}


def format_of(request: Json) -> str | None:
    return request.get("response_format", {}).get("type")


def unsupported(param: str, instead: str = "") -> Answer:
    message = f"Unsupported parameter: '{param}' is not supported with this model.{instead}"
    kind = {"type": "invalid_request_error", "code": "unsupported_parameter"}
    return error(400, message=message, param=param, **kind)


def openai_reasoning(request: Json) -> Answer:
    if "max_tokens" in request:
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if request.get("temperature", 1) != 1:
        message = (
            "Unsupported value: 'temperature' does not support 0.5 with this model. "
            "Only the default (1) value is supported."
        )
        kind = {"type": "invalid_request_error", "code": "unsupported_value"}
        return error(400, message=message, param="temperature", **kind)
    if "stop" in request:
        return unsupported("stop")
    body = completion('{"value": 1}', request, finish_reason="stop", logprobs=None)
    body["choices"][0]["message"] |= {"refusal": None, "annotations": []}
    body["usage"]["completion_tokens_details"] = {"reasoning_tokens": 320}
    return 200, {}, body


def openai_chat(request: Json) -> Answer:
    if format_of(request) == "json_schema" and "gpt-3.5" in request["model"]:
        message = (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
            "model. Learn more about supported models at the Structured Outputs guide."
        )
        kind = {"type": "invalid_request_error", "code": None}
        return error(400, message=message, param="response_format", **kind)
    if format_of(request) == "json_object" and "json" not in str(request["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'."
        )
        return error(400, message=message, type="invalid_request_error", param="messages")
    return '{"value": 1}'


def old_chat(request: Json) -> Answer:
    return openai_chat(request | {"model": "gpt-3.5-turbo"})


def azure_reasoning(request: Json) -> Answer:
    if "max_tokens" in request:
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    for param in ("temperature", "stop"):
        if param in request:
            return unsupported(param)
    if format_of(request) == "json_schema":
        message = (
            "Invalid parameter: 'response_format' must be one of 'text', 'json_object' with this "
            "API version."
        )
        return error(400, message=message, type="invalid_request_error", param=None, code=None)
    body = completion('{"value": 1}', request)
    body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": {}}]
    body["choices"][0]["content_filter_results"] = {"hate": {"filtered": False}}
    return 200, {}, body


def azure_old_deployment(request: Json) -> Answer:
    """It began with `max_completion_tokens`, as at Azure, and knows only the old name."""
    if "max_completion_tokens" in request:
        message = "Unrecognized request argument supplied: max_completion_tokens"
        return error(400, message=message, type="invalid_request_error", param=None, code=None)
    if "max_tokens" not in request:
        return error(400, message="no limit was sent", type="invalid_request_error", param=None)
    return '{"value": 1}'


def vllm_error(message: str) -> Answer:
    kind = {"object": "error", "type": "BadRequestError", "param": None, "code": 400}
    return 400, {}, kind | {"message": message}


def vllm(request: Json) -> Answer:
    if format_of(request) == "json_schema":
        return vllm_error("guided decoding: Grammar error: unsupported JSON schema feature")
    return '{"value": 1}'


def vllm_strict(request: Json) -> Answer:
    """0.5.x, which forbids what its request model does not know."""
    for param in ("max_completion_tokens", "seed"):
        if param in request:
            return vllm_error(
                f"[{{'type': 'extra_forbidden', 'loc': ('body', '{param}'), "
                "'msg': 'Extra inputs are not permitted', 'input': 50}]"
            )
    if format_of(request) == "json_schema":
        return vllm_error(
            "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
            "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}]"
        )
    return '{"value": 1}'


def fastapi_strict(request: Json) -> Answer:
    """Servers in front of text-generation backends answer 422 with a list of faults."""
    if "seed" in request:
        where = {"type": "extra_forbidden", "loc": ["body", "seed"]}
        echo = {"msg": "Extra inputs are not permitted", "input": "stop the temperature max_tokens"}
        return 422, {}, {"detail": [where | echo]}
    return '{"value": 1}'


def llama_cpp(request: Json) -> Answer:
    if format_of(request) == "json_schema":
        message = "Failed to initialize samplers: failed to parse grammar"
        return error(400, code=400, message=message, type="invalid_request_error")
    return '{"value": 1}'


def ollama(request: Json) -> Answer:
    """Ignores what it does not know, `max_completion_tokens` too: then nothing bounds it."""
    if "max_tokens" not in request:
        return "word " * 10_000
    return '{"value": 1}'


def ollama_old(request: Json) -> Answer:
    if format_of(request) == "json_schema":
        message = (
            "json: cannot unmarshal object into Go struct field "
            "ChatCompletionRequest.response_format of type string"
        )
        kind = {"type": "invalid_request_error", "param": None, "code": None}
        return error(400, message=message, **kind)
    if "seed" in request:
        message = "json: cannot unmarshal number into Go struct field ChatCompletionRequest.seed"
        return error(400, message=message, type="invalid_request_error", param=None, code=None)
    return '{"value": 1}'


def litellm(request: Json) -> Answer:
    refused = [name for name in ("temperature", "stop", "response_format") if name in request]
    if refused:
        message = (
            f"litellm.UnsupportedParamsError: openai does not support parameters: {refused}, for "
            "model=o1-mini. To drop these, set `litellm.drop_params=True` or for proxy:\n\n"
            "`litellm_settings:\n drop_params: true`\n. \n If you want to use these params "
            f"dynamically send allowed_openai_params={refused} in your request."
        )
        return error(400, message=message, type="None", param="None", code="400")
    return '{"value": 1}'


def litellm_gpt5(request: Json) -> Answer:
    if request.get("temperature", 1) != 1:
        message = (
            "litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support "
            "temperature=0.5. Only temperature=1 is supported. To drop unsupported params set "
            "`litellm.drop_params = True`"
        )
        return error(400, message=message, type="None", param="None", code="400")
    return '{"value": 1}'


def lm_studio(request: Json) -> Answer:
    """Its error is a bare string, and of the two formats it takes the stronger only."""
    if format_of(request) == "json_object":
        return 400, {}, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    return '{"value": 1}'


def lm_studio_old_engine(request: Json) -> Answer:
    if format_of(request) == "json_schema":
        return 400, {}, {"error": "response_format.json_schema is not supported by this engine"}
    return lm_studio(request)


NEW, OLD = "max_completion_tokens", "max_tokens"
REST = {"temperature", "stop", "seed", "response_format"}


def _endpoint(script: Callable[[Json], Answer], calls: int, *kept: str) -> Endpoint:
    return Endpoint(script.__name__, script, calls, frozenset(kept))


ENDPOINTS = [
    _endpoint(openai_reasoning, 4, NEW, "seed", "response_format"),
    _endpoint(openai_chat, 1, OLD, *REST),
    _endpoint(old_chat, 3, OLD, "temperature", "stop", "seed"),
    _endpoint(azure_reasoning, 5, NEW, "seed", "response_format"),
    _endpoint(vllm, 2, OLD, *REST),
    _endpoint(vllm_strict, 3, OLD, "temperature", "stop", "response_format"),
    _endpoint(fastapi_strict, 2, OLD, "temperature", "stop", "response_format"),
    _endpoint(llama_cpp, 2, OLD, *REST),
    _endpoint(ollama, 1, OLD, *REST),
    _endpoint(ollama_old, 3, OLD, "temperature", "stop", "response_format"),
    _endpoint(litellm, 3, OLD, "seed"),
    _endpoint(litellm_gpt5, 2, OLD, "stop", "seed", "response_format"),
    _endpoint(lm_studio, 1, OLD, *REST),
    _endpoint(lm_studio_old_engine, 3, OLD, "temperature", "stop", "seed"),
]
