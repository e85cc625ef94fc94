"""What mutants say about tests and about inputs."""

from calisota.engine.mutants import Mutant
from calisota.engine.report import confirmed_verdict
from calisota.engine.strength import strength_of
from calisota.models import Action, Decision, ExecutionMatrix, Outcome, TestStrength, Verdict
from tests.unit.engine.test_decide import BAD, OK, tried


def mutant(number: int) -> Mutant:
    return Mutant(id=f"m{number}", line=number + 1, before="<", after="<=", source="x")


def strength(program: ExecutionMatrix, *others: ExecutionMatrix) -> TestStrength:
    return strength_of(program, [(mutant(n), other) for n, other in enumerate(others)])


def test_a_mutant_that_passes_all_tests_but_behaves_differently_survives():
    program = tried("r1c0", OK, OK, answers="ab").matrix
    noticed = tried("r1c0", OK, BAD, answers="ax").matrix
    survivor = tried("r1c0", OK, OK, answers="xb").matrix
    same = tried("r1c0", OK, OK, answers="ab").matrix
    broken = tried("r1c0", BAD, BAD, answers="ab", build="error").matrix
    found = strength(program, noticed, survivor, same, broken)
    assert (found.mutants, found.told_apart) == (2, 1)
    assert found.survivors == ["line 2: < became <="]


def test_without_tests_the_inputs_are_measured():
    program = tried("r1c0", answers="ab").matrix
    found = strength(
        program, tried("r1c0", answers="ab").matrix, tried("r1c0", answers="ax").matrix
    )
    assert (found.mutants, found.told_apart) == (2, 1)


def accepted(verdict: Verdict) -> Decision:
    return Decision(action=Action.ACCEPT, candidate_id="r1c0", verdict=verdict, reason="")


def test_tests_that_notice_too_little_verify_weakly():
    matrix = tried("r1c0", OK, OK, OK).matrix
    decision = accepted(Verdict.VERIFIED)
    for told_apart, verdict in ((10, "verified"), (7, "verified"), (6, "verified_weak_tests")):
        seen = TestStrength(mutants=10, told_apart=told_apart)
        assert confirmed_verdict(decision, matrix, matrix, seen) == verdict
    few = TestStrength(mutants=2, told_apart=0)
    assert confirmed_verdict(decision, matrix, matrix, few) == "verified"


def test_agreement_on_inputs_that_tell_nothing_or_change_is_no_claim():
    matrix = tried("r1c0", answers="abc").matrix
    decision = accepted(Verdict.CONSISTENT)
    blind = TestStrength(mutants=10, told_apart=4)
    assert confirmed_verdict(decision, matrix, matrix, blind) == "unverified"
    other = tried("r1c0", answers="abd").matrix
    assert confirmed_verdict(decision, matrix, other, None, answers=1) == "unverified"
    assert confirmed_verdict(decision, matrix, matrix, None, answers=1) == "consistent"


def test_agreement_that_nothing_but_the_coder_speaks_for_is_no_claim():
    matrix = tried("r1c0", answers="abc").matrix
    decision = accepted(Verdict.CONSISTENT)
    for by_answers, verdict in ((5, "consistent"), (4, "consistent"), (3, "unverified")):
        seen = TestStrength(mutants=10, told_apart=8, by_answers=by_answers)
        assert confirmed_verdict(decision, matrix, matrix, seen, answers=9) == verdict
    few = TestStrength(mutants=2, told_apart=2)
    assert confirmed_verdict(decision, matrix, matrix, few, answers=0) == "unverified"
    assert confirmed_verdict(decision, matrix, matrix, few, answers=1) == "consistent"


def test_a_second_run_that_fails_takes_every_verdict_back():
    first, second = tried("r1c0", OK, OK, OK).matrix, tried("r1c0", OK, OK, BAD).matrix
    assert confirmed_verdict(accepted(Verdict.VERIFIED), first, second, None) == "failed"
    broken = tried("r1c0", OK, OK, Outcome.INTERNAL_ERROR).matrix
    assert confirmed_verdict(accepted(Verdict.VERIFIED), first, broken, None) == "internal_error"
