"""The ledger: reserved before, settled after, never above the cap; atomic across processes.

One number for each account holds what is spent and what is reserved; one conditional UPDATE raises
it. A process that dies between the two leaves its reservation counted at its worst case for ever:
whether the call was made is not known, so its money is not freed.

A transaction locks rows in one order: entries, accounts (the Solve's, then its client's), answers.
Two that locked them in different orders could wait for each other.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calisota.database import faults_named, open_database
from calisota.errors import ArtifactDamaged, BudgetExhausted, LedgerUnavailable
from calisota.ledger.amounts import Amount, Cap, Line
from calisota.ledger.tables import accounts, answers, entries, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

By = Literal["solve", "client", "day", "route", "model"]

COUNTED = ("tokens", "calls", "usd", "executions", "cpu_s", "unpriced")
CAPPED = ("tokens", "calls", "usd", "cpu_s")


def today() -> str:
    """The day in UTC, to which what is spent now belongs."""
    return datetime.now(UTC).date().isoformat()


class Ledger:
    """Accounts in the database at `url`; its tables are made at the first use.

    SQLite serves one machine; several share a PostgreSQL. Safe to share between threads.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _engine(self) -> Engine:
        return open_database(self._url, metadata)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A transaction. Raises: what `faults_named` and `open_database` do."""
        with faults_named("ledger", LedgerUnavailable), self._engine.begin() as connection:
            yield connection

    def open_account(
        self,
        solve_id: str,
        cap: Cap,
        *,
        client: str | None = None,
        client_cap: Cap | None = None,
        day: str | None = None,
    ) -> None:
        """Let a Solve spend up to `cap`; its client up to `client_cap` on this day.

        Opened again, a Solve's account keeps what it has spent and takes over the new cap.
        """
        day = day or today()
        self._open(f"solve:{solve_id}", "solve", cap, day)
        if client_cap is not None:
            self._open(f"client:{client or ''}:{day}", "client", client_cap, day)

    def _open(self, name: str, kind: str, cap: Cap, day: str) -> None:
        caps = {"day": day} | {f"cap_{one}": getattr(cap, one) for one in CAPPED}
        with self._begun() as connection:
            found = connection.execute(
                sa.update(accounts).where(accounts.c.name == name).values(**caps)
            )
            if found.rowcount:
                return
        try:
            with self._begun() as connection:
                connection.execute(sa.insert(accounts).values(name=name, kind=kind, **caps))
        except IntegrityError:
            return  # another process was quicker; its cap is ours

    def reserve(
        self,
        solve_id: str,
        worst: Amount,
        *,
        route: str,
        model: str,
        client: str | None = None,
        client_cap: Cap | None = None,
        day: str | None = None,
    ) -> str:
        """The id of a reservation of at most `worst`, counted from now on.

        A Solve may go on after midnight: the client's account of this day is opened, up to
        `client_cap`, where no Solve of this day did.
        Raises: BudgetExhausted: the Solve's cap, or its client's of this day, does not allow it.
        ArtifactDamaged: the Solve has no account.
        """
        day = day or today()
        raised = _counted(worst)
        entry = secrets.token_hex(16)
        with self._begun() as connection:
            if not self._raise(connection, f"solve:{solve_id}", raised):
                raise ArtifactDamaged(
                    f"The account of Solve {solve_id} is gone: what was spent is deleted after "
                    "CALISOTA_LEDGER_RETENTION_DAYS.",
                    remedy="start it again: clear the Dag run from `retrieve` on, or post it anew.",
                )
            of_day = f"client:{client or ''}:{day}"
            if not self._raise(connection, of_day, raised):
                self._open_within(connection, of_day, client_cap or Cap(), day)
                self._raise(connection, of_day, raised)
            connection.execute(
                sa.insert(entries).values(
                    id=entry,
                    solve=solve_id,
                    client=client or "",
                    day=day,
                    route=route,
                    model=model,
                    state="open",
                    **raised,
                )
            )
        return entry

    def _open_within(self, connection: Connection, name: str, cap: Cap, day: str) -> None:
        caps = {f"cap_{one}": getattr(cap, one) for one in CAPPED}
        try:
            with connection.begin_nested():
                connection.execute(
                    sa.insert(accounts).values(name=name, kind="client", day=day, **caps)
                )
        except IntegrityError:
            return  # another process was quicker; its cap is ours

    def _raise(self, connection: Connection, name: str, by: dict[str, Any]) -> bool:
        """Whether there is such an account. Raises: BudgetExhausted: it does not allow it."""
        caps = {one: accounts.c[f"cap_{one}"] for one in CAPPED}
        fits = [
            sa.or_(cap.is_(None), accounts.c[one] + by[one] <= cap) for one, cap in caps.items()
        ]
        raised = connection.execute(
            sa.update(accounts)
            .where(accounts.c.name == name, *fits)
            .values({one: accounts.c[one] + by[one] for one in COUNTED})
        )
        if raised.rowcount:
            return True
        row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
        if row is None:
            return False
        raise BudgetExhausted(
            f"A call of up to {by['tokens']} tokens does not fit: {row.tokens} of "
            f"{_shown(row.cap_tokens)} tokens, {row.calls} of {_shown(row.cap_calls)} calls and "
            f"{row.usd:.4f} of {_shown(row.cap_usd)} USD are spent or reserved"
            f"{' by this client today' if row.kind == 'client' else ''}.",
            remedy="raise options.budget of the Problem."
            if row.kind == "solve"
            else "wait until tomorrow (UTC), or raise the client's quota.",
        )

    def settle(
        self,
        entry: str,
        actual: Amount,
        *,
        key: str | None = None,
        answer: bytes | None = None,
        model: str | None = None,
        lost: Amount | None = None,
    ) -> bool:
        """Whether this was the first word about a reservation; a second one changes nothing.

        `answer` is kept under `key` in the same transaction: what was paid for is not lost.
        `lost` stays reserved beside it, whatever the caps: the most that another call may have
        cost which was made for the same reservation, and of which nothing came back.
        """
        return self._close(entry, "settled", actual, key=key, answer=answer, model=model, lost=lost)

    def release(self, entry: str) -> bool:
        """Whether a reservation was given back: only for a call that was certainly not made."""
        return self._close(entry, "released", Amount())

    def _close(
        self,
        entry: str,
        state: str,
        actual: Amount,
        *,
        key: str | None = None,
        answer: bytes | None = None,
        model: str | None = None,
        lost: Amount | None = None,
    ) -> bool:
        spent, more = _counted(actual), _counted(lost or Amount())
        with self._begun() as connection:
            row = connection.execute(
                sa.select(entries).where(entries.c.id == entry).with_for_update()
            ).first()
            if row is None or row.state != "open":
                return False
            values = {"state": state, **spent} | ({"model": model} if model else {})
            connection.execute(sa.update(entries).where(entries.c.id == entry).values(**values))
            change = {n: accounts.c[n] - getattr(row, n) + spent[n] + more[n] for n in COUNTED}
            for name in (f"solve:{row.solve}", f"client:{row.client}:{row.day}"):
                connection.execute(
                    sa.update(accounts).where(accounts.c.name == name).values(change)
                )
            if lost is not None:
                kept = {n: getattr(row, n) for n in ("solve", "client", "day", "route", "model")}
                connection.execute(
                    sa.insert(entries).values(
                        id=secrets.token_hex(16), state="open", **kept, **more
                    )
                )
            if key is not None and answer is not None:
                # Two never insert one answer: they have waited for the Solve's account.
                known = (answers.c.solve == row.solve, answers.c.key == key)
                again = connection.execute(
                    sa.update(answers).where(*known).values(times=answers.c.times + 1)
                )
                if not again.rowcount:
                    connection.execute(
                        sa.insert(answers).values(
                            solve=row.solve, key=key, day=row.day, data=answer, times=1
                        )
                    )
        return True

    def answered(self, solve_id: str, key: str) -> bytes | None:
        """What was answered before to this call of this Solve; None: nothing was."""
        query = sa.select(answers.c.data).where(answers.c.solve == solve_id, answers.c.key == key)
        with self._begun() as connection:
            found: bytes | None = connection.execute(query).scalar()
        return found

    def twice_answered(self) -> int:
        """How many calls were made and answered though an answer was stored: none, one hopes."""
        query = sa.select(sa.func.coalesce(sa.func.sum(answers.c.times - 1), 0))
        with self._begun() as connection:
            return int(connection.execute(query).scalar_one())

    def report(self, by: By, *, of: str | None = None, client: str | None = None) -> list[Line]:
        """What was spent and is reserved, under each heading; `of` keeps one of them.

        `client` keeps what this API key spent.
        """
        heading = entries.c[by]
        query = (
            sa.select(
                heading.label("name"),
                *(sa.func.coalesce(sa.func.sum(entries.c[one]), 0).label(one) for one in COUNTED),
                sa.func.sum(sa.case((entries.c.state == "open", 1), else_=0)).label("open"),
            )
            .group_by(heading)
            .order_by(heading)
        )
        if of is not None:
            query = query.where(heading == of)
        if client is not None:
            query = query.where(entries.c.client == client)
        with self._begun() as connection:
            return [Line.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def spent(self, solve_id: str) -> Line | None:
        """What a Solve spent and has reserved; None: nothing."""
        return next(iter(self.report("solve", of=solve_id)), None)

    def forget(self, before: str) -> int:
        """How many entries of days before this one (`2026-11-01`) were deleted."""
        with self._begun() as connection:
            gone = connection.execute(sa.delete(entries).where(entries.c.day < before)).rowcount
            old = accounts.c.day < before
            # Locked before it is asked which go on: who raised one has written its entry by then.
            connection.execute(
                sa.select(accounts.c.name)
                .where(old)
                .order_by(accounts.c.kind.desc(), accounts.c.name)
                .with_for_update()
            )
            # Not those that were opened since and have spent nothing yet, nor those that go on.
            going_on = entries.c.solve == sa.func.substr(accounts.c.name, len("solve:") + 1)
            connection.execute(sa.delete(accounts).where(old, ~sa.exists().where(going_on)))
            connection.execute(sa.delete(answers).where(answers.c.day < before))
        return gone

    def close(self) -> None:
        """Let go of the database, if it was ever reached."""
        engine = vars(self).pop("_engine", None)
        if engine is not None:
            engine.dispose()


def _counted(amount: Amount) -> dict[str, Any]:
    unpriced = amount.calls if amount.usd is None else 0
    return amount.model_dump() | {"usd": amount.usd or 0.0, "unpriced": unpriced}


def _shown(cap: float | None) -> str:
    return "any number of" if cap is None else f"{cap:g}"


@contextmanager
def open_ledger(url: str) -> Iterator[Ledger]:
    """The ledger, let go of at the end."""
    ledger = Ledger(url)
    try:
        yield ledger
    finally:
        ledger.close()
