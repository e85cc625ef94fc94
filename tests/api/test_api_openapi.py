from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app

if TYPE_CHECKING:
    from calisota.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")
UPDATE = "CALISOTA_TEST_UPDATE=1 pytest tests/api/test_api_openapi.py"


@pytest.fixture
def document(settings: Settings) -> dict[str, Any]:
    document = create_app(settings).openapi()
    document["info"]["version"] = "any"
    return document


def test_the_interface_changes_only_on_purpose(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("CALISOTA_TEST_UPDATE"):
        SNAPSHOT.write_text(text)
    assert text == SNAPSHOT.read_text(), (
        f"The OpenAPI document differs from {SNAPSHOT.name}. If you meant to change what clients "
        f"see, run `{UPDATE}`, look at the difference and commit it."
    )


def test_every_operation_has_a_summary_and_its_errors(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert operation["description"], path
            if path.startswith("/v1"):
                assert {"401", "503"} <= set(operation["responses"]), path
                assert operation["security"], path


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status >= "400" and path.startswith("/v1"):
                    assert set(response["content"]) == {"application/problem+json"}, (path, status)
    assert "HTTPValidationError" not in json.dumps(document)


def test_a_person_can_read_the_documentation_of_the_examples(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/solves"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["examples"]) == {"function", "program"}
