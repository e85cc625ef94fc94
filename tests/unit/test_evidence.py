"""Evidence of a Solve and its replay, with a sandbox that executes Python in this process."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from calisota import signing
from calisota.artifacts import ArtifactStore
from calisota.cli import app
from calisota.errors import EngineUnavailable, InputError, PermanentError
from calisota.evidence import PURPOSE, Evidence, open_evidence, pack
from calisota.evidence_cli import read, show, write
from calisota.llm import ChatRequest, ScriptedChat
from calisota.local import LocalSolve
from calisota.models import (
    Action,
    CallTest,
    Candidate,
    ExecutionMatrix,
    HitSet,
    Observation,
    Outcome,
    Problem,
    Question,
    RoundResult,
    Route,
    TestResult,
    Verdict,
)
from calisota.models.execution import worst
from calisota.replay import _worded, replay
from calisota.settings import Settings
from calisota.stages import Stages
from calisota.tarball import packed, unpacked

PLAN = json.dumps(
    {
        "contract": "adds",
        "approaches": ["use +"],
        "corner_cases": ["zero"],
        "inputs": ["[1, 2]", "[5, 7]"],
    }
)
CRITIQUE = json.dumps({"score": 70, "findings": [], "suggestions": []})
RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
FAKE_KEY = "sk-fake-0123456789abcdef"
URL = "http://user:fake-password-01@models.example/v1"


def problem(tests: int = 4, **options: object) -> Problem:
    return Problem.model_validate(
        {
            "statement": "Add two numbers.",
            "language": "python",
            "entry_point": "add",
            "tests": [{"call": {"args": [n, n + 1]}, "returns": 2 * n + 1} for n in range(tests)],
            "options": {"candidates": 2} | options,
        }
    )


class InProcessSandbox:
    """Executes the calls of a Python program in this process."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.ids: set[str] = set()

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        optional: int = 0,
        while_like: Sequence[Observation] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        del optional, while_like, on_line
        self.ran.append(candidate.id)
        self.ids.add(solve_id)
        space: dict[str, object] = {}
        exec(candidate.source or "", space)  # noqa: S102  # programs of these tests
        tests = [self.cell(problem, n, space) for n in range(len(problem.tests))]
        return ExecutionMatrix(
            candidate_id=candidate.id,
            outcome=worst([t.outcome for t in tests]) if tests else Outcome.ACCEPTED,
            tests=tests,
            image="calisota/python:test",
            wall_s=0.1,
        )

    def cell(self, problem: Problem, number: int, space: dict[str, object]) -> TestResult:
        test, name = problem.tests[number], problem.test_name(number)
        assert isinstance(test, CallTest)
        try:
            came = space["add"](*test.call.args, **test.call.kwargs)
        except (KeyError, TypeError, ArithmeticError) as error:
            return TestResult(name=name, outcome=Outcome.RUNTIME_ERROR, detail=repr(error))
        right = came == test.returns
        return TestResult(
            name=name,
            outcome=Outcome.ACCEPTED if right else Outcome.WRONG_ANSWER,
            detail=None if right else f"expected {test.returns}, got {came}",
            answer=json.dumps(came),
        )


class Installation:
    """A data home with a scripted model, in which Problems are solved."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.settings = Settings.model_validate({"home": home, **settings})
        self.store = ArtifactStore(self.settings.artifacts)

    def stages(self, code: Callable[[ChatRequest], str]) -> Stages:
        def answer(request: ChatRequest) -> str:
            fixed = {Route.SLOW: PLAN, Route.CRITIC: CRITIQUE}
            return fixed.get(request.route) or f"```python\n{code(request)}```"

        @asynccontextmanager
        async def open_chat():
            yield ScriptedChat(answer)

        class NoHits:
            def search(self, query: str, *, k: int, **_named: object) -> HitSet:
                del query, k
                return HitSet(index="v1", hits=[])

        return Stages(
            self.settings,
            self.store,
            open_chat=open_chat,
            open_retriever=lambda: nullcontext(NoHits()),
        )

    def solve(
        self, given: Problem, code: Callable[[ChatRequest], str], sandbox: object | None = None
    ) -> str:
        steps = LocalSolve(
            self.stages(code), sandbox or InProcessSandbox(), on_step=lambda _step: None
        )
        return steps.run(given.model_dump(mode="json"), "local_1").solve_id

    def pack(self, solve_id: str = "local_1") -> bytes:
        return pack(solve_id, self.store, self.settings)


def right(_request: ChatRequest) -> str:
    return RIGHT


def wrong(_request: ChatRequest) -> str:
    return WRONG


def repaired(request: ChatRequest) -> str:
    return RIGHT if "is wrong" in request.messages[0].content else WRONG


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "home")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Evidence]:
    installation = Installation(tmp_path_factory.mktemp("home"))
    installation.solve(problem(tests=2, candidates=1), right)
    data = installation.pack()
    return data, open_evidence(data, signing.public_key(installation.settings))


def changed(data: bytes, **members: bytes | None) -> bytes:
    """The archive with other members; `__` in a name stands for a point, None takes one away."""
    found = unpacked(data, lambda _name: True)
    for name, content in members.items():
        found.pop(name.replace("__", "."), None)
        if content is not None:
            found[name.replace("__", ".")] = content
    return packed(found)


def signed_anew(data: bytes, home: Path, **members: bytes) -> bytes:
    """What a forger can do: other members, hashes that fit, signed by a key of their own."""
    other = Settings.model_validate({"home": home})
    found = unpacked(changed(data, **members), lambda _name: True)
    manifest = json.loads(found.pop("manifest.json"))
    del found["manifest.sig"]
    found["public_key.pem"] = signing.public_key(other)
    manifest["members"] = {
        name: {"sha256": hashlib.sha256(one).hexdigest(), "size_bytes": len(one)}
        for name, one in found.items()
    }
    text = json.dumps(manifest).encode()
    signature = signing.sign(PURPOSE + text, other).hex().encode()
    return packed({**found, "manifest.json": text, "manifest.sig": signature})


@pytest.mark.parametrize(
    ("given_problem", "code", "verdict", "rounds"),
    [
        (problem(), right, Verdict.VERIFIED, 1),
        (problem(), repaired, Verdict.VERIFIED, 2),
        (problem(tests=7), wrong, Verdict.FAILED, 3),
        (problem(tests=2), right, Verdict.VERIFIED_WEAK_TESTS, 1),
        (problem(tests=0, candidates=3), right, None, None),
        (problem(budget={"tokens": 10}), right, Verdict.BUDGET_EXHAUSTED, 1),
    ],
)
def test_a_replay_comes_to_the_same_verdict_without_a_model(
    here: Installation, given_problem: Problem, code, verdict, rounds
):
    solve_id = here.solve(given_problem, code)
    evidence = open_evidence(here.pack(solve_id))
    sandbox = InProcessSandbox()
    replayed = replay(evidence, sandbox)
    assert replayed.differences == []
    assert replayed.same
    assert replayed.again is replayed.verdict is evidence.report.verdict
    assert verdict in {None, replayed.verdict}
    assert rounds in {None, len(evidence.rounds)}
    assert all(one.startswith("local_replay_") for one in sandbox.ids)


def test_evidence_holds_what_the_verdict_rests_on(here: Installation):
    here.solve(problem(), repaired)
    members = unpacked(here.pack(), lambda _name: True)
    assert {"about.json", "problem.json", "plan.json", "report.json", "public_key.pem"} <= set(
        members
    )
    assert {f"round_{n}/{what}.json" for n in (1, 2) for what in ("candidates", "result")} <= set(
        members
    )
    manifest = json.loads(members["manifest.json"])
    assert set(manifest["members"]) == set(members) - {"manifest.json", "manifest.sig"}
    evidence = open_evidence(here.pack())
    assert evidence.about.images == ["calisota/python:test"]
    assert evidence.about.index == "v1"
    assert evidence.about.recorded
    assert evidence.about.conditions.models[Route.FAST] == "smollm2-135m-instruct"
    assert evidence.about.conditions.mutants == 6
    assert set(evidence.prompts) == set(evidence.report.prompts)
    assert evidence.planned.trials.inputs
    assert all(len(r.circumstances) == len(r.path) + 1 for _, r in evidence.rounds)


def test_the_same_solve_gives_the_same_bytes(here: Installation):
    here.solve(problem(), right)
    assert here.pack() == here.pack()


def test_no_secret_is_in_the_evidence(tmp_path: Path):
    here = Installation(
        tmp_path,
        llm_base_url=URL,
        llm_api_key=FAKE_KEY,
        llm_fallback_base_url=URL,
        llm_fallback_api_key=FAKE_KEY[::-1],
        llm_fallback_model="other",
        llm_model_slow="big",
        llm_model_fast="small",
        llm_model_critic="small",
    )
    here.solve(problem(), right)
    here.settings.secrets.mkdir()
    (here.settings.secrets / "api_key").write_text("cal_fake_key_of_the_api\n")
    raw = gzip.decompress(here.pack())
    private = (here.settings.secrets / "evidence_key").read_text()
    hidden = [
        "fake",
        FAKE_KEY,
        FAKE_KEY[::-1],
        "models.example",
        "cal_fake",
        private,
        str(tmp_path),
    ]
    for secret in hidden:
        assert secret.encode() not in raw
    assert base64.b64decode(private) not in raw
    assert open_evidence(here.pack()).about.conditions.models == {
        Route.SLOW: "big", Route.FAST: "small", Route.CRITIC: "small",
    }  # fmt: skip


def test_a_secret_that_reached_an_artifact_stops_the_evidence(tmp_path: Path):
    here = Installation(tmp_path, llm_api_key=FAKE_KEY)
    here.solve(problem(), lambda _request: f"# {FAKE_KEY}\n{RIGHT}")
    with pytest.raises(PermanentError, match="would hold a secret of this installation"):
        here.pack()


def test_a_solve_that_has_not_ended_has_no_evidence(here: Installation):
    with pytest.raises(InputError, match="has no report"):
        here.pack("local_9")
    here.stages(right).retrieve("local_9", problem().model_dump(mode="json"))
    with pytest.raises(InputError, match="has no report"):
        here.pack("local_9")


def test_the_key_of_an_installation_is_made_once_and_is_its_owners_alone(here: Installation):
    one = signing.public_key(here.settings)
    assert signing.public_key(here.settings) == one
    assert [path.name for path in here.settings.secrets.iterdir()] == ["evidence_key"]
    assert (here.settings.secrets / "evidence_key").stat().st_mode & 0o777 == 0o600
    assert here.settings.secrets.stat().st_mode & 0o777 == 0o700
    (here.settings.secrets / "evidence_key").write_text("nonsense")
    with pytest.raises(PermanentError, match="damaged"):
        signing.public_key(here.settings)


def test_whose_key_it_is_decides_about_trust_alone(made, tmp_path: Path):
    data, evidence = made
    assert evidence.trusted
    assert not open_evidence(data).trusted
    other = signing.public_key(Settings.model_validate({"home": tmp_path}))
    assert not open_evidence(data, other).trusted
    assert open_evidence(signed_anew(data, tmp_path), other).trusted
    with pytest.raises(InputError, match="no public key"):
        open_evidence(data, b"-----BEGIN NONSENSE-----")


def test_what_is_not_whole_signed_and_as_it_was_is_refused(made):
    data, evidence = made
    report = evidence.report.model_dump_json().encode()
    for altered, why in (
        (b"", "cut off"),
        (b"PK\x03\x04", "incorrect header"),
        (data[:-9], "cut off"),
        (data + b"x", "something follows"),
        (gzip.compress(b""), "its end"),
        (changed(data, manifest__sig=None), "not signed: it has no manifest.sig"),
        (changed(data, manifest__json=None), "not signed"),
        (changed(data, public_key__pem=None), "not signed"),
        (changed(data, manifest__sig=b"\xff" * 128), "no text"),
        (changed(data, manifest__sig=b"0" * 128), "signature does not fit"),
        (changed(data, manifest__json=b"{}"), "signature does not fit"),
        (changed(data, report__json=report + b" "), "report.json is not what was signed"),
        (changed(data, plan__json=None), "plan.json is not what was signed"),
        (changed(data, **{"round_3/result__json": b"{}"}), "round_3/result.json is not what"),
    ):
        with pytest.raises(InputError, match=why):
            open_evidence(altered)


@pytest.mark.parametrize("name", ["../up.json", "/etc/passwd", "round_1/../x.json", "extra.json"])
def test_a_name_that_does_not_belong_there_is_refused(made, name: str):
    with pytest.raises(InputError, match="does not belong"):
        open_evidence(packed({**unpacked(made[0], lambda _name: True), name: b"x"}))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.XHDTYPE]
)
def test_anything_but_plain_files_is_refused(kind: bytes):
    info = tarfile.TarInfo("report.json")
    info.type, info.linkname = kind, "/etc/passwd"
    raw = info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    with pytest.raises(InputError, match="no plain file"):
        open_evidence(gzip.compress(raw))


def test_sizes_are_bounded_and_a_name_comes_once():
    info = tarfile.TarInfo("report.json")
    info.size = 2**40
    with pytest.raises(InputError, match="too large"):
        open_evidence(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    info.size = -512
    with pytest.raises(InputError, match="too large"):
        open_evidence(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    info.size = 600
    with pytest.raises(InputError, match="cut off"):
        open_evidence(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(512)))
    info.size = 0
    twice = info.tobuf(tarfile.USTAR_FORMAT) * 2 + bytes(1024)
    with pytest.raises(InputError, match="does not belong"):
        open_evidence(gzip.compress(twice))


def test_a_compressed_flood_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("calisota.tarball.MAX_BYTES", 100_000)
    with pytest.raises(InputError, match="too large"):
        open_evidence(gzip.compress(bytes(10_000_000)))


def flipped(data: bytes, at: int, bit: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def noticed_or_harmless(data: bytes, evidence: Evidence) -> None:
    key = evidence.public_key.encode()
    try:
        opened = open_evidence(data, key)
    except InputError:
        return
    assert opened == evidence


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_flipped_bit_of_the_file_is_noticed_or_harmless(made, at: int, bit: int):
    data, evidence = made
    noticed_or_harmless(flipped(data, at, bit), evidence)


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_flipped_bit_under_a_checksum_that_fits_is_noticed_or_harmless(made, at: int, bit: int):
    data, evidence = made
    noticed_or_harmless(gzip.compress(flipped(gzip.decompress(data), at, bit)), evidence)


def test_every_byte_at_the_ends_of_the_file_is_noticed_or_harmless(made):
    data, evidence = made
    for at in (*range(20), *range(len(data) - 20, len(data))):
        for bit in range(8):
            noticed_or_harmless(flipped(data, at, bit), evidence)


@given(data=st.binary(max_size=2000))
def test_any_bytes_are_refused_in_words(data: bytes):
    for hostile in (data, gzip.compress(data)):
        with pytest.raises(InputError):
            open_evidence(hostile)


def test_a_forged_verdict_falls_when_it_is_executed_again(here: Installation, tmp_path: Path):
    here.solve(problem(rounds=1), wrong)
    data = here.pack()
    honest = open_evidence(data)
    drawn, result = honest.rounds[0]

    def passing(matrix: ExecutionMatrix) -> ExecutionMatrix:
        tests = [t.model_copy(update={"outcome": Outcome.ACCEPTED}) for t in matrix.tests]
        return matrix.model_copy(update={"tests": tests, "outcome": Outcome.ACCEPTED})

    accepted = result.decision.model_copy(
        update={"action": Action.ACCEPT, "verdict": Verdict.VERIFIED}
    )
    matrices = [passing(matrix) for matrix in result.matrices]
    result = result.model_copy(update={"matrices": matrices, "decision": accepted})
    report = honest.report.model_copy(
        update={"verdict": Verdict.VERIFIED, "tests": matrices[0].tests}
    )
    forged = signed_anew(
        data,
        tmp_path / "forger",
        **{"round_1/result__json": result.model_dump_json().encode()},
        report__json=report.model_dump_json().encode(),
    )
    evidence = open_evidence(forged, signing.public_key(here.settings))
    assert not evidence.trusted
    replayed = replay(evidence, InProcessSandbox())
    assert not replayed.same
    assert (replayed.verdict, replayed.again) == (Verdict.VERIFIED, Verdict.FAILED)
    assert any("r1c0, test 1 (test_1): wrong_answer" in words for words in replayed.differences)
    assert any(words.startswith("round 1: decided stop") for words in replayed.differences)
    assert drawn.candidates[0].source == WRONG


def test_a_claim_in_other_words_than_the_results_allow_is_not_the_same(made, tmp_path: Path):
    data, evidence = made
    assert replay(evidence, InProcessSandbox()).same
    words = {"claim": "The program is right for every input.", "agreement": 0.123}
    report = evidence.report.model_copy(update=words).model_dump_json().encode()
    replayed = replay(
        open_evidence(signed_anew(data, tmp_path, report__json=report)), InProcessSandbox()
    )
    assert not replayed.same
    assert replayed.verdict is replayed.again
    assert any("right for every input" in difference for difference in replayed.differences)


def test_numbers_and_what_a_loser_answered_are_no_other_words():
    """A program that lost may depend on chance, and reach another input in time."""
    claim = (
        "All 3 tests. But r1c2 passed the same and answers `f(1)` with `now`, this one with `b`."
    )
    again = (
        "All 3 tests. But r1c1 passed the same and answers `f(7)` with `then`, this one with `c`."
    )
    assert _worded(claim) == _worded(again)
    assert _worded(claim) != _worded("All 3 tests.")
    assert _worded(claim) != _worded(claim.replace("passed", "failed"))


def test_a_report_of_another_program_contradicts_the_decision(made, tmp_path: Path):
    data, evidence = made
    report = evidence.report.model_copy(update={"code": WRONG}).model_dump_json().encode()
    with pytest.raises(InputError, match="another program"):
        open_evidence(signed_anew(data, tmp_path, report__json=report))
    report = evidence.report.model_copy(update={"solve_id": "x"}).model_dump_json().encode()
    with pytest.raises(InputError, match="different Solves"):
        open_evidence(signed_anew(data, tmp_path, report__json=report))
    with pytest.raises(InputError, match="prompt code is another"):
        open_evidence(signed_anew(data, tmp_path, **{"prompts/code__md__j2": b"x"}))


class ButFor(InProcessSandbox):
    """Gives another word for the programs named, as often as it is told."""

    def __init__(self, outcome: Outcome, *names: str, times: int = 99) -> None:
        super().__init__()
        self._outcome = outcome
        self._names = names
        self._left = times

    def run_candidate(self, problem: Problem, candidate: Candidate, **kwargs) -> ExecutionMatrix:
        matrix = super().run_candidate(problem, candidate, **kwargs)
        if candidate.id not in self._names or self._left == 0:
            return matrix
        self._left -= 1
        tests = [test.model_copy(update={"outcome": self._outcome}) for test in matrix.tests]
        return matrix.model_copy(update={"outcome": self._outcome, "tests": tests})


def test_a_test_that_ends_otherwise_is_named_and_need_not_change_the_verdict(here: Installation):
    here.solve(problem(), right)
    replayed = replay(open_evidence(here.pack()), ButFor(Outcome.TIME_LIMIT, "r1c1"))
    assert replayed.same
    assert "r1c1 ends as time_limit; it was accepted" in replayed.differences
    assert "r1c1, test 1 (test_1): time_limit; it was accepted" in replayed.differences


def test_a_decision_that_parts_leaves_the_verdict_open_and_the_rest_is_still_executed(
    here: Installation,
):
    here.solve(problem(), repaired)
    sandbox = ButFor(Outcome.COMPILE_ERROR, "r1c0", "r1c1")
    replayed = replay(open_evidence(here.pack()), sandbox)
    assert not replayed.same
    assert (replayed.verdict, replayed.again) == (Verdict.VERIFIED, None)
    assert any("it was repair" in words for words in replayed.differences)
    assert {"r2c0", "r2c1"} <= set(sandbox.ran)


def test_a_second_clean_run_that_fails_in_the_replay_takes_the_verdict_back(here: Installation):
    class Second(InProcessSandbox):
        def run_candidate(self, problem, candidate, **kwargs):
            if candidate.id in self.ran:
                candidate = candidate.model_copy(update={"source": WRONG})
            return super().run_candidate(problem, candidate, **kwargs)

    here.solve(problem(), right)
    replayed = replay(open_evidence(here.pack()), Second())
    assert (replayed.same, replayed.again) == (False, Verdict.FAILED)


def test_a_sandbox_that_gives_no_result_is_an_error_and_no_difference(here: Installation):
    here.solve(problem(), right)
    evidence = open_evidence(here.pack())
    assert replay(evidence, ButFor(Outcome.INTERNAL_ERROR, "r1c0", times=2)).same
    with pytest.raises(EngineUnavailable, match="no result for r1c0"):
        replay(evidence, ButFor(Outcome.INTERNAL_ERROR, "r1c0"))


def test_a_sandbox_that_failed_in_the_solve_is_not_held_against_it(here: Installation):
    here.solve(problem(), right, ButFor(Outcome.INTERNAL_ERROR, "r1c0", times=1))
    evidence = open_evidence(here.pack())
    assert [d.action for d in evidence.rounds[0][1].path] == [Action.RETRY_INFRASTRUCTURE]
    replayed = replay(evidence, InProcessSandbox())
    assert replayed.same, replayed.differences


def test_what_a_person_answered_is_taken_from_the_evidence(tmp_path: Path):
    here = Installation(tmp_path, llm_max_tokens=4096)
    programs = iter([RIGHT, WRONG])
    answers: list[str] = []

    def ask(question: Question) -> str:
        answers.append(question.options[1])
        return question.options[1]

    steps = LocalSolve(
        here.stages(lambda _request: next(programs)),
        InProcessSandbox(),
        on_step=lambda _step: None,
        ask=ask,
        workers=1,
    )
    given_problem = problem(tests=0, on_ambiguous="ask", rounds=1)
    report = steps.run(given_problem.model_dump(mode="json"), "local_1")
    assert answers
    evidence = open_evidence(here.pack())
    assert Action.CLARIFY in [made.action for made in evidence.rounds[0][1].path]
    replayed = replay(evidence, InProcessSandbox())
    assert replayed.same, replayed.differences
    assert replayed.again is report.verdict is Verdict.VERIFIED_WEAK_TESTS


def test_time_that_was_up_then_is_up_again(here: Installation):
    given_problem = problem(rounds=3, budget={"wall_s": 1})
    stages = here.stages(wrong)
    stages.retrieve("local_1", given_problem.model_dump(mode="json"))
    asyncio.run(stages.plan("local_1"))
    drawn = asyncio.run(stages.code("local_1", 1))
    sandbox = InProcessSandbox()
    for candidate in drawn.candidates:
        stages.sandbox("local_1", candidate.id, sandbox)
    admitted = json.loads(
        (here.settings.home / "artifacts/solves/local_1/problem.json").read_text()
    )
    admitted["started_at"] -= 60
    (here.settings.home / "artifacts/solves/local_1/problem.json").write_text(json.dumps(admitted))
    asyncio.run(stages.critic("local_1", 1, sandbox))
    assert stages.report("local_1", sandbox).verdict is Verdict.BUDGET_EXHAUSTED
    assert replay(open_evidence(here.pack()), sandbox).same


def test_a_solve_of_an_older_version_cannot_be_decided_again(here: Installation):
    here.solve(problem(), right)
    result = here.store.find("local_1", "round_1/result", RoundResult)
    here.store.put("local_1", "round_1/result", result.model_copy(update={"circumstances": []}))
    with pytest.raises(InputError, match="does not say what round 1 was decided from"):
        replay(open_evidence(here.pack()), InProcessSandbox())


def test_the_command_line_writes_reads_and_shows_it(here: Installation, tmp_path: Path):
    from rich.console import Console  # noqa: PLC0415

    here.solve(problem(), right)
    path = write("local_1", str(tmp_path / "e.tar.gz"), here.settings)
    evidence = read(path, None, here.settings)
    assert evidence.trusted, "it is our own"
    text = io.StringIO()
    show(replay(evidence, InProcessSandbox()), evidence, Console(file=text, width=200))
    assert "The same." in text.getvalue()
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.write_bytes(signing.public_key(here.settings))
    theirs.write_bytes(signing.public_key(Settings.model_validate({"home": tmp_path / "x"})))
    assert read(path, str(ours), here.settings).trusted
    with pytest.raises(InputError, match="not by the key"):
        read(path, str(theirs), here.settings)
    with pytest.raises(InputError, match="Cannot read"):
        read(str(tmp_path / "none"), None, here.settings)
    with pytest.raises(InputError, match=r"limits\.wall_s"):
        read(path, None, Settings.model_validate({"home": tmp_path, "sandbox_max_wall_s": 1}))


def test_the_commands_explain_themselves():
    for command in ("evidence", "replay"):
        shown = CliRunner().invoke(app, [command, "--help"]).output
        assert "Examples:" in shown
        assert "Exit codes:" in shown
