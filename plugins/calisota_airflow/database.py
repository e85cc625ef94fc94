"""How Airflow opens its SQLite database; Airflow imports this by name, from its configuration."""

from __future__ import annotations

from typing import Any

CONNECT_ARGS: dict[str, Any] = {"timeout": 60}
"""Seconds a writer waits for another one, where Python's default is 5.

SQLite has one writer at a time, and on a busy machine the scheduler holds it for longer than 5 s:
Airflow's API then answers 500 or 503 to requests that only had to wait.
"""
