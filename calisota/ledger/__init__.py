"""What every Solve may spend, has reserved and has spent; and every answer that was paid for.

`calisota.ledger.ledger` needs SQLAlchemy, whose import takes a third of a second.
"""

from calisota.ledger.amounts import Amount, Cap, Line

__all__ = ["Amount", "Cap", "Line"]
