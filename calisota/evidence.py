"""The evidence of a finished Solve: one signed file that holds all its verdict rests on.

What is in it was public to the Solve already: programs, tests, results, decisions. Keys, addresses
and the names of this machine are not. `calisota.replay` executes it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError

from calisota.conditions import Conditions, conditions_of
from calisota.errors import InputError, PermanentError
from calisota.models import (
    Admitted,
    CallTest,
    CandidateSet,
    Frozen,
    HitSet,
    Planned,
    RoundResult,
    SolveReport,
)
from calisota.paths import include
from calisota.records import read_record
from calisota.signing import is_signed, public_key, same_key, sign
from calisota.tarball import packed, unpacked
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calisota.artifacts import ArtifactStore
    from calisota.engine import SolveRecord
    from calisota.settings import Settings

M = TypeVar("M", bound=BaseModel)

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.pem"
PURPOSE = b"calisota evidence 1\n"
"""Signed before the manifest, so that a signature is good for nothing else."""
LEAST_SECRET = 12
"""Shorter ones may stand in a program by chance."""

_ROUND = re.compile(r"round_([1-3])/(candidates|result)\.json")
_PROMPT = re.compile(r"prompts/([a-z_]{1,40})\.md\.j2")
_FIXED = {"about.json", "problem.json", "hits.json", "plan.json", "report.json"}
_SIGNED_BESIDE = {MANIFEST, SIGNATURE}
_GET_ANOTHER = "get the file again from where it was made."


class About(Frozen):
    """What the evidence is of, and under which conditions it came to be."""

    format: Literal[1] = 1
    solve_id: str
    images: list[str]
    """Of the sandbox, as the matrices name them."""
    index: str | None
    """Version of the index that passages came from; None: there was none."""
    prompts: dict[str, str]
    """Prompt -> the hash of its file that the Solve used."""
    conditions: Conditions
    recorded: bool
    """False: the Solve kept no conditions; these are of the installation that packed it."""


class Member(Frozen):
    """What a file of the evidence must be."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class Manifest(Frozen):
    """What is signed: every file but this one and its signature."""

    solve_id: str
    members: dict[str, Member]


class Evidence(Frozen):
    """Evidence whose signature and hashes are good."""

    about: About
    admitted: Admitted
    hits: HitSet
    planned: Planned
    rounds: list[tuple[CandidateSet, RoundResult]]
    report: SolveReport
    prompts: dict[str, str]
    """Prompt -> the text of its file, where it was still the one that the Solve used."""
    public_key: str
    """Of who signed it, in PEM."""
    trusted: bool
    """Whether that is the key that was asked for; False as well where none was."""


def pack(solve_id: str, store: ArtifactStore, settings: Settings) -> bytes:
    """The evidence of a finished Solve, signed by this installation: a tar.gz.

    The same Solve gives the same bytes.
    Raises: InputError: there is no such Solve, or it has no report. PermanentError: a secret of
    this installation would be in it, or the key cannot be used. ArtifactDamaged: clear the step.
    """
    members = _members(solve_id, store, settings)
    members[PUBLIC_KEY] = public_key(settings)
    _refuse_secrets(members, settings)
    manifest = Manifest(
        solve_id=solve_id,
        members={
            name: Member(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
            for name, data in sorted(members.items())
        },
    )
    text = manifest.model_dump_json(indent=1).encode()
    signature = sign(PURPOSE + text, settings).hex().encode()
    return packed({**members, MANIFEST: text, SIGNATURE: signature})


def _members(solve_id: str, store: ArtifactStore, settings: Settings) -> dict[str, bytes]:
    report = store.find(solve_id, "report", SolveReport)
    if report is None:
        raise InputError(
            f"Solve {solve_id} has no report here: it is unknown, has not ended or was cancelled.",
            remedy="use the id of a Solve that ended, on the machine that keeps its artifacts.",
        )
    record = read_record(store, solve_id)
    values: dict[str, BaseModel | None] = {
        "about": _about(report, record, store, settings),
        "problem": store.find(solve_id, "problem", Admitted),
        "hits": record.hits,
        "plan": record.planned,
        "report": report,
    }
    for drawn, result in record.rounds:
        values[f"round_{drawn.round}/candidates"] = drawn
        values[f"round_{drawn.round}/result"] = result
    members = {
        f"{name}.json": value.model_dump_json(indent=1).encode()
        for name, value in values.items()
        if value is not None
    }
    return members | _prompt_files(report.prompts)


def _about(
    report: SolveReport, record: SolveRecord, store: ArtifactStore, settings: Settings
) -> About:
    kept = store.find(report.solve_id, "conditions", Conditions)
    return About(
        solve_id=report.solve_id,
        images=sorted({matrix.image for matrix in record.matrices}),
        index=record.hits.index,
        prompts=report.prompts,
        conditions=kept or conditions_of(settings),
        recorded=kept is not None,
    )


def _prompt_files(used: Mapping[str, str]) -> dict[str, bytes]:
    """The prompt files that are still what they were."""
    found = {}
    for name, digest in used.items():
        path = include("prompts", f"{name}.md.j2")
        data = path.read_bytes() if path.is_file() else b""
        if _short_hash(data) == digest:
            found[f"prompts/{name}.md.j2"] = data
    return found


def _short_hash(data: bytes) -> str:
    """As `calisota.agents.prompts.prompt_hashes` has it."""
    return hashlib.sha256(data).hexdigest()[:12]


def _refuse_secrets(members: Mapping[str, bytes], settings: Settings) -> None:
    """A second lock: no step stores a secret, but a model or a log line might have echoed one."""
    forms = [
        form.encode()
        for secret in _secrets_of(settings)
        for form in {secret, json.dumps(secret)[1:-1]}
    ]
    for name, data in members.items():
        if any(form in data for form in forms):
            raise PermanentError(
                f"No evidence was made: {name} would hold a secret of this installation.",
                remedy="replace that key: it has reached the artifacts of this Solve.",
            )


def _secrets_of(settings: Settings) -> set[str]:
    values = [value for _, value in settings]
    found = {one.get_secret_value().strip() for one in values if isinstance(one, SecretStr)}
    found |= {_password(value) for value in values if isinstance(value, str) and "://" in value}
    files = settings.secrets.glob("*") if settings.secrets.is_dir() else ()
    # The JSON files hold hashes, and what the others hold too.
    found |= {
        path.read_text(errors="replace").strip()
        for path in files
        if not path.suffix and path.is_file()
    }
    return {secret for secret in found if len(secret) >= LEAST_SECRET}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def open_evidence(data: bytes, public_key: bytes | None = None) -> Evidence:
    """What `data` holds, once signature and every hash were found good.

    `public_key`: in PEM, of whom the evidence should be. A good signature by another key is no
    error: `trusted` says so. `data` may be hostile: nothing is written, sizes are bounded.
    Raises: InputError: damaged, altered, unsigned, or no evidence.
    Not covered: whether what was signed is true; `calisota.replay` sees to that.
    """
    members = unpacked(data, _known)
    manifest = _verified(members)
    pem = members[PUBLIC_KEY]
    about = _value(members, "about.json", About)
    prompts = {
        found[1]: text for name, text in members.items() if (found := _PROMPT.fullmatch(name))
    }
    evidence = Evidence(
        about=about,
        admitted=_value(members, "problem.json", Admitted),
        hits=_value(members, "hits.json", HitSet),
        planned=_value(members, "plan.json", Planned),
        rounds=_rounds(members),
        report=_value(members, "report.json", SolveReport),
        prompts={name: _text(name, text) for name, text in prompts.items()},
        public_key=_text(PUBLIC_KEY, pem),
        trusted=public_key is not None and same_key(pem, public_key),
    )
    fault = _contradiction(evidence, manifest) or next(
        (f"the prompt {n} is another" for n, t in prompts.items() if not _is_used(about, n, t)),
        None,
    )
    if fault is not None:
        raise InputError(f"The evidence contradicts itself: {fault}.", remedy=_GET_ANOTHER)
    return evidence


def _known(name: str) -> bool:
    return (
        name in _FIXED | _SIGNED_BESIDE | {PUBLIC_KEY}
        or _ROUND.fullmatch(name) is not None
        or _PROMPT.fullmatch(name) is not None
    )


def _verified(members: Mapping[str, bytes]) -> Manifest:
    """The manifest, when its signature is good and all else is as it says."""
    absent = [name for name in (MANIFEST, SIGNATURE, PUBLIC_KEY) if name not in members]
    if absent:
        raise InputError(f"The evidence is not signed: it has no {absent[0]}.", remedy=_GET_ANOTHER)
    text = _text(SIGNATURE, members[SIGNATURE])
    if not re.fullmatch(r"[0-9a-f]{128}", text) or not is_signed(
        PURPOSE + members[MANIFEST], bytes.fromhex(text), members[PUBLIC_KEY]
    ):
        raise InputError(
            "The evidence was altered: its signature does not fit.", remedy=_GET_ANOTHER
        )
    manifest = _value(members, MANIFEST, Manifest)
    for name in sorted((members.keys() | manifest.members.keys()) - _SIGNED_BESIDE):
        data, wanted = members.get(name), manifest.members.get(name)
        if wanted is None or data is None or hashlib.sha256(data).hexdigest() != wanted.sha256:
            raise InputError(
                f"The evidence was altered: {printable(name)} is not what was signed.",
                remedy=_GET_ANOTHER,
            )
    return manifest


def _value(members: Mapping[str, bytes], name: str, kind: type[M]) -> M:
    if name not in members:
        raise InputError(f"The evidence has no {name}.", remedy=_GET_ANOTHER)
    try:
        return kind.model_validate_json(members[name])
    except ValidationError as error:
        raise InputError(
            f"{name} of the evidence does not parse: {error.error_count()} faults.",
            remedy="open it with the version of CALISOTA that made it; about.json names it.",
        ) from None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError(f"{name} of the evidence is no text.", remedy=_GET_ANOTHER) from None


def _rounds(members: Mapping[str, bytes]) -> list[tuple[CandidateSet, RoundResult]]:
    numbers = sorted({int(found[1]) for name in members if (found := _ROUND.fullmatch(name))})
    return [
        (
            _value(members, f"round_{number}/candidates.json", CandidateSet),
            _value(members, f"round_{number}/result.json", RoundResult),
        )
        for number in numbers
    ]


def _is_used(about: About, name: str, text: bytes) -> bool:
    return about.prompts.get(name) == _short_hash(text)


def _contradiction(evidence: Evidence, manifest: Manifest) -> str | None:
    """Why what was signed cannot be of one Solve, in words; whoever signed it may be hostile."""
    ids = {evidence.about.solve_id, evidence.report.solve_id, manifest.solve_id}
    if len(ids) > 1:
        return "its parts are of different Solves"
    numbers = [(drawn.round, result.round) for drawn, result in evidence.rounds]
    if not numbers or numbers != [(n, n) for n in range(1, len(numbers) + 1)]:
        return "its rounds are not counted from 1"
    names = [one.id for drawn, _ in evidence.rounds for one in drawn.candidates]
    if len(names) != len(set(names)):
        return "two candidates have the same id"
    ended = [result.decision.verdict is not None for _, result in evidence.rounds]
    if ended != [False] * (len(ended) - 1) + [True]:
        return "its decisions do not end with its last round"
    for drawn, result in evidence.rounds:
        if [one.id for one in drawn.candidates] != [one.candidate_id for one in result.matrices]:
            return f"the matrices of round {drawn.round} are not of its candidates"
    return _untried(evidence)


def _untried(evidence: Evidence) -> str | None:
    """Why its programs cannot be executed, or its report is of another one, in words."""
    accepted = evidence.rounds[-1][1].decision.candidate_id
    candidates = [one for drawn, _ in evidence.rounds for one in drawn.candidates]
    if evidence.report.code != next((c.source for c in candidates if c.id == accepted), None):
        return "its report shows another program than was decided for"
    trials = evidence.planned.trials
    calls = any(isinstance(test, CallTest) for test in trials.examples) or any(
        probe.call is not None for probe in trials.inputs
    )
    if calls and evidence.admitted.problem.entry_point is None:
        return "its trials call a function, but no entry_point names it"
    return None
