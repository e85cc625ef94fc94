"""The params of the DAG `solve`: the JSON schema behind the trigger form."""

from __future__ import annotations

from airflow.sdk import Param

from calisota.models import Language, Options, Problem

ROUNDS: int = next(
    limit.le for limit in Options.model_fields["rounds"].metadata if hasattr(limit, "le")
)
"""How many rounds are unrolled: the most a Problem may ask for."""


def answer_timeout_s() -> float:
    """How long a question waits for a person, in seconds."""
    from calisota.settings import settings  # noqa: PLC0415  # read when a DAG file is parsed

    return settings().answer_timeout_s


def solve_params() -> dict[str, Param]:
    """One param per field of a Problem, and what the REST API adds."""
    optional = ["string", "null"]
    return {
        "statement": Param(
            None,
            type=optional,
            format="multiline",
            title="Statement",
            description="What the program must do.",
        ),
        "language": Param(
            "python",
            type="string",
            enum=[language.value for language in Language],
            title="Language",
        ),
        "entry_point": Param(
            None,
            type=optional,
            title="Function to write",
            description="Empty: a whole program on stdin and stdout.",
        ),
        "signature": Param(None, type=optional, title="Signature", description="Optional."),
        "tests": Param(
            [],
            type="array",
            title="Tests",
            description_md=(
                '`{"call": {"args": [10]}, "returns": 55}`, `{"stdin": "7", "stdout": "13"}` or '
                '`{"code": "assert fib(1) == 1"}` or '
                '`{"suite": {"files": {"fib_test.py": "…"}, "names": ["FibTest.test_one"]}}`. '
                "Without tests nothing can be verified."
            ),
        ),
        "files": Param({}, type="object", title="Files", description="Path to text."),
        "source_name": Param(
            None,
            type=optional,
            title="Name of the program's file",
            description="Where a suite expects one, for instance two_fer.py.",
        ),
        "checker": Param(
            None,
            type=["object", "null"],
            title="Checker",
            description_md='Decides tests with `"compare": "checker"`: language and source.',
        ),
        "limits": _defaults("limits", "Limits of one run: wall_s, cpu_s, memory_mb, output_kb."),
        "options": _defaults("options", "candidates, rounds, budget, on_ambiguous."),
        "problem_ref": Param(
            None,
            type=["object", "null"],
            section="Set by the REST API",
            title="Reference of a large Problem",
        ),
        "client": Param(
            None,
            type=optional,
            section="Set by the REST API",
            title="Client",
            description="Key id.",
        ),
    }


def _defaults(field: str, description: str) -> Param:
    default = Problem.model_fields[field].default.model_dump(mode="json")
    return Param(default, type="object", title=field.capitalize(), description=description)
