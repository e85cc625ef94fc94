"""A question to a person, by Airflow's own human-in-the-loop: no worker waits for the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import Param

from calisota.errors import InputError, TransientError
from calisota_airflow.operators import generation_of, later_rounds, open_stages

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from calisota.models import Question, RoundResult

ANSWER = "Use my answer"
LIKELIEST = "Go on with the likeliest"
FIELD = "answer"


class ClarifyOperator(HITLOperator, SkipMixin):
    """Asks what is right for one input on which the programs disagree; the answer becomes a test.

    Answered in Airflow's UI under "Required Actions", or over our API. Nobody answered in time: the
    Solve goes on with the likeliest behaviour.
    """

    # As Airflow's own ApprovalOperator, which skips what comes after it, too.
    inherits_from_skipmixin = True
    ui_color = "#fadbd8"

    def __init__(self, *, round_number: int, response_timeout_s: float, **kwargs: Any) -> None:
        # Airflow puts the Dag's own params here; they are no part of the answer's form.
        kwargs.pop("params", None)
        super().__init__(
            subject="What is right?",
            options=[ANSWER, LIKELIEST],
            defaults=LIKELIEST,
            params={
                FIELD: Param(
                    None,
                    source="task",
                    type=["string", "null"],
                    title="Answer, as JSON",
                    description='For instance 3, [1, 2], "abc", true or null.',
                )
            },
            response_timeout=timedelta(seconds=response_timeout_s),
            **kwargs,
        )
        self.round_number = round_number

    def execute(self, context: Context) -> dict[str, Any] | None:
        """Puts the question and lets go of the worker."""
        answered = open_stages().answered(context["run_id"], self.round_number)
        if answered is not None:
            return self._ended(context, answered)
        question = open_stages().question(context["run_id"], self.round_number)
        self.subject = f"What is right for {question.asked}"[:200]
        self.body = body_of(question)
        self.log.info("%s", self.subject)
        super().execute(context)
        return None

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """What was decided with the answer."""
        text: str | None = None
        if "error" not in event:
            answered = super().execute_complete(context, event)
            if ANSWER in answered["chosen_options"]:
                text = (answered["params_input"] or {}).get(FIELD) or None
        return self._ended(context, self._answered(context, text))

    def _ended(self, context: Context, result: RoundResult) -> dict[str, Any]:
        """The decision, logged; later rounds are skipped where the Solve ends."""
        said = result.questions[-1].said if result.questions else None
        self.log.info("Answer: %s", said if said is not None else "none; the likeliest it is")
        self.log.info("Decision: %s: %s", result.decision.action, result.decision.reason)
        summary = result.decision.model_dump(mode="json", exclude={"question"})
        ti = context["ti"]
        ti.xcom_push(key="return_value", value=summary)
        if result.decision.verdict is not None:
            self.skip(ti=ti, tasks=later_rounds(self, self.round_number))
        return summary

    def _answered(self, context: Context, text: str | None) -> RoundResult:
        """The round with the answer; what is no JSON is asked for again, as often as Airflow tries.

        A slip of the keyboard must not fail a Solve: at last the likeliest is taken.
        """
        stages, solve_id = open_stages(), context["run_id"]
        generation = generation_of(context)
        try:
            return stages.answer(solve_id, self.round_number, text, generation=generation)
        except InputError as error:
            ti = context["ti"]
            if ti.try_number > ti.max_tries:
                self.log.warning("%s Going on with the likeliest.", error)
                return stages.answer(solve_id, self.round_number, None, generation=generation)
            raise TransientError(
                error.message, remedy=f"{error.remedy} The question is put again.", retry_after_s=0
            ) from None


def body_of(question: Question) -> str:
    """The question in Markdown; what programs answered is text of strangers, so it is code."""
    options = "\n".join(f"- `{_unmarked(option)}`" for option in question.options)
    why, who = "The statement does not say what is right for this input", "The programs answer"
    if question.held:
        why = "Programs and planner read the statement differently for this input"
        who = "The programs answer, and the planner reads in it"
    quote = f"`{_unmarked(question.quote)}`\n\n" if question.held and question.quote else ""
    return (
        f"{why}:\n\n`{_unmarked(question.asked)}`\n\n{quote}"
        f"{who}, the likeliest first:\n\n{options}\n\n"
        f"Type the right value as JSON and choose **{ANSWER}**, or choose **{LIKELIEST}**."
    )


def _unmarked(text: str) -> str:
    """One line of code in Markdown cannot hold what would end it."""
    from calisota.text import printable  # noqa: PLC0415  # not when a DAG is parsed

    return " ".join(printable(text).replace("`", "'").split())
