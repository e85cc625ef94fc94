"""`calisota evidence` and `calisota replay`: what a verdict rests on, to a file and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from calisota.artifacts import ArtifactStore
from calisota.errors import InputError
from calisota.evidence import open_evidence, pack
from calisota.replay import replay
from calisota.sandbox.maxima import within_maxima
from calisota.signing import KEY_FILE, public_key
from calisota.tarball import MAX_BYTES
from calisota.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from calisota.evidence import Evidence
    from calisota.replay import Replay
    from calisota.settings import Settings

MAX_KEY_BYTES = 10_000


def write(solve_id: str, target: str | None, settings: Settings) -> str:
    """Where the evidence was written: `target`, `-` for stdout; absent, a name made of the id.

    Raises: InputError: no such Solve, or the file cannot be written.
    """
    data = pack(solve_id, ArtifactStore(settings.artifacts), settings)
    if target == "-":
        sys.stdout.buffer.write(data)
        return "stdout"
    path = Path(target or f"{solve_id}.evidence.tar.gz")
    try:
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot write {path}: {error}.", remedy="name another file.") from None
    return str(path)


def read(source: str, key_file: str | None, settings: Settings) -> Evidence:
    """The evidence in a file, `-` for stdin, within the limits of this installation.

    Without a key it is compared with this installation's own.
    Raises: InputError: it is no evidence, not of the key asked for, or asks for too much.
    """
    asked = None if key_file is None else _bytes(key_file, MAX_KEY_BYTES)
    if asked is None and (settings.secrets / KEY_FILE).exists():
        asked = public_key(settings)
    evidence = open_evidence(_bytes(source, MAX_BYTES), asked)
    if key_file is not None and not evidence.trusted:
        raise InputError(
            f"{source} is signed, but not by the key in {key_file}.",
            remedy="get the key of whoever made it, or leave out --public-key.",
        )
    within_maxima(evidence.admitted.problem.limits, settings)
    return evidence


def _bytes(source: str, most: int) -> bytes:
    try:
        if source == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"Cannot read {source}: {error}.", remedy="check the path.") from None
    if len(data) > most:
        raise InputError(f"{source} is larger than {most} bytes.", remedy="name another file.")
    return data


def execute(evidence: Evidence, settings: Settings, console: Console) -> Replay:
    """What came of executing it again, on the Docker Engine of this machine.

    Raises: EngineUnavailable. ImageMissing.
    """
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415  # input comes first

    client = connect(settings)
    try:
        with console.status("starting") as status:
            return replay(evidence, DockerSandbox(client, settings), on_step=status.update)
    finally:
        client.close()


def show(replayed: Replay, evidence: Evidence, console: Console) -> None:
    """Print both verdicts, each difference, and who signed it."""
    signer = "this key" if evidence.trusted else "an unknown key: anyone may have made it"
    conditions = evidence.about.conditions
    models = ", ".join(f"{route}: {name}" for route, name in conditions.models.items())
    lines = [
        f"Solve      {replayed.solve_id}",
        f"signed by  {signer}",
        f"models     {models} (of the Solve; the replay asks none)",
        f"verdict    {replayed.verdict}",
        f"again      {replayed.again or 'open: another decision was made'}",
        f"executed   {replayed.candidates} programs, {replayed.decisions} decisions",
    ]
    lines += [f"differs    {words}" for words in replayed.differences]
    lines.append("The same." if replayed.same else "NOT the same.")
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)
