"""`calisota index`: build, look at and choose the versions of a retrieval index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from calisota.rag.versions import IndexVersions, Manifest

console = Console(stderr=True)
out = Console()
app = typer.Typer(
    no_args_is_help=True, help="Build, look at and choose the versions of a retrieval index."
)

CorpusOption = Annotated[
    str | None,
    typer.Option("--corpus", help="Which corpus. Default: CALISOTA_INDEX_CORPUS.", metavar="NAME"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="As `calisota index list` names it.")
]


@app.command()
def build(
    corpus: CorpusOption = None,
    *,
    force: Annotated[bool, typer.Option(help="Serve it even where the gate fails.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the index of a corpus as it is now, measure it, and serve it.

    Only what changed is embedded. A build that is stopped goes on when it is started again.
    """
    from calisota.rag.build import build_index  # noqa: PLC0415  # heavy
    from calisota.settings import settings  # noqa: PLC0415

    def tell(line: str) -> None:
        console.print(line, highlight=False)

    manifest = build_index(settings(), tell, corpus=corpus, force=force)
    if as_json:
        _print_json(_told(manifest, serving=manifest.version))
    else:
        out.print(manifest.version, highlight=False)


@app.command("list")
def list_versions(corpus: CorpusOption = None, *, as_json: JsonOption = False) -> None:
    """List the versions, oldest first, and which one serves."""
    versions, name = _versions(corpus)
    manifests, serving = versions.manifests(), versions.alias_text()
    if as_json:
        _print_json([_told(one, serving=serving) for one in manifests])
        return
    # Without lines between them the columns fit into 80 characters.
    models = ", ".join(sorted({one.inputs.model for one in manifests}))
    title = f"index of {name}" + (f", by {models}" if models else "")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    for column in ("version", "day", "docs", "chunks", "recall", "known", ""):
        table.add_column(column, no_wrap=column == "version")
    for one in manifests:
        table.add_row(
            one.version,
            one.inputs.partition or "",
            *(str(one.documents), str(one.chunks)),
            *(f"{one.gate.recall:.3f}", f"{one.gate.known_items:.3f}"),
            "serves" if one.version == serving else "",
        )
    out.print(table)


@app.command()
def show(version: Version, corpus: CorpusOption = None) -> None:
    """Print the manifest of a version as JSON: what it was made from, counts, gate, checksums."""
    versions, _ = _versions(corpus)
    folder, manifest = versions.verified(version)
    _print_json({**manifest.model_dump(mode="json"), "version": version, "folder": str(folder)})


@app.command()
def diff(
    old: Version, new: Version, corpus: CorpusOption = None, *, as_json: JsonOption = False
) -> None:
    """Which documents came, went and changed between two versions."""
    from calisota.rag.versions_diff import compare  # noqa: PLC0415

    versions, _ = _versions(corpus)
    found = compare(versions.verified(old)[0], versions.verified(new)[0])
    if as_json:
        _print_json(found.model_dump())
        return
    for title, paths in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for path in paths:
            out.print(f"{title} {path}", highlight=False, markup=False, soft_wrap=True)
    out.print(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed; "
        f"{found.chunks_kept} chunks are in both.",
        highlight=False,
    )


@app.command()
def promote(version: Version, corpus: CorpusOption = None) -> None:
    """Serve this version from now on."""
    versions, name = _versions(corpus)
    with versions.writing(console.print):
        versions.serve(version, why="promote")
    out.print(f"{version} serves {name}.", highlight=False)


@app.command()
def rollback(corpus: CorpusOption = None) -> None:
    """Serve again what served before."""
    versions, name = _versions(corpus)
    with versions.writing(console.print):
        version = versions.roll_back()
    out.print(f"{version} serves {name}.", highlight=False)


@app.command()
def verify(corpus: CorpusOption = None) -> None:
    """Check the files of every version against their checksums; exit code 1 if one is damaged."""
    from calisota.errors import IndexUnusable  # noqa: PLC0415

    versions, _ = _versions(corpus)
    damaged = 0
    for name in versions.names():
        try:
            versions.verified(name)
        except IndexUnusable as fault:
            damaged += 1
            out.print(f"✗ {fault}", highlight=False, soft_wrap=True)
        else:
            out.print(f"✓ {name}", highlight=False)
    if damaged:
        console.print("Serve another with `calisota index promote`, then `calisota index gc`.")
        raise typer.Exit(1)


@app.command()
def gc(corpus: CorpusOption = None) -> None:
    """Remove the versions that retention does not keep, damaged ones, and builds left long ago."""
    from calisota.settings import settings  # noqa: PLC0415

    versions, _ = _versions(corpus)
    with versions.writing(console.print):
        removed = versions.remove_old(
            keep=settings().index_keep, partitions=settings().index_keep_partitions
        )
    for version in removed:
        out.print(version, highlight=False)
    console.print(f"{len(removed)} removed.")


def _versions(corpus: str | None) -> tuple[IndexVersions, str]:
    from calisota.rag.build import versions_of  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    name = corpus or settings().index_corpus
    return versions_of(settings(), name), name


def _told(manifest: Manifest, *, serving: str | None) -> dict[str, Any]:
    return {
        "version": manifest.version,
        "serves": manifest.version == serving,
        **manifest.model_dump(mode="json", exclude={"files"}),
    }


def _print_json(value: Any) -> None:
    out.print_json(json.dumps(value))
