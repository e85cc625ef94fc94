"""docs/configuration.md, made from the settings: `python -m calisota.system.config_docs`."""

from __future__ import annotations

import sys

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from calisota.settings import Settings

HEAD = """# Configuration

Environment variables, read once when a process starts. This page is made from
`calisota/settings.py` by `make docs`. Airflow's own settings are in `airflow.cfg`, and each can be
overridden by `AIRFLOW__<SECTION>__<KEY>`.

| variable | default | meaning |
|---|---|---|
"""

ROUTES = """
A Problem's `options` and `limits` are not configuration: see the API's documentation.

To use a model of your own, set the endpoint and a model for each route, for example:

```sh
export CALISOTA_LLM_BASE_URL=http://localhost:11434/v1
export CALISOTA_LLM_API_KEY=none
export CALISOTA_LLM_MODEL_SLOW=qwen3-coder CALISOTA_LLM_MODEL_FAST=qwen3-coder
export CALISOTA_LLM_MODEL_CRITIC=qwen3-coder
calisota up
```
"""


def page() -> str:
    """The page's text."""
    return HEAD + "".join(_row(name) for name in Settings.model_fields) + ROUTES


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    default = field.default
    if default is None or default is PydanticUndefined or isinstance(default, SecretStr):
        shown = ""
    elif isinstance(default, list | tuple):
        shown = f"{len(default)} modules" if default else ""
    else:
        shown = f"`{default}`"
    return f"| `CALISOTA_{name.upper()}` | {shown} | {field.description} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
