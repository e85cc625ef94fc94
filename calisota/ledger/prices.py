"""What tokens cost, from a file with a date and a source for each price."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic reads it
from typing import TYPE_CHECKING

import yaml
from pydantic import Field, ValidationError, model_validator

from calisota.errors import InputError
from calisota.models import Frozen, readable_faults

if TYPE_CHECKING:
    from pathlib import Path

MILLION = 1_000_000


class Price(Frozen):
    """Of one model, in USD for a million tokens."""

    free: bool = False
    prompt: float | None = Field(default=None, ge=0)
    completion: float | None = Field(default=None, ge=0)
    date: date
    source: str

    @model_validator(mode="after")
    def _says_one_thing(self) -> Price:
        if self.free == (self.prompt is not None or self.completion is not None):
            raise ValueError("give `free: true`, or `prompt` and `completion`")
        if not self.free and (self.prompt is None or self.completion is None):
            raise ValueError("give both, `prompt` and `completion`")
        return self


class Prices:
    """The prices of a file."""

    def __init__(self, prices: dict[str, Price]) -> None:
        self._prices = prices

    @classmethod
    def load(cls, path: Path) -> Prices:
        """Raises: InputError: the file cannot be read, or holds what is no price."""
        try:
            data = yaml.safe_load(path.read_text())
            if not isinstance(data, dict):
                raise InputError(f"{path} holds no prices.", remedy="see include/prices.yaml.")
            found = {}
            for name, price in data.items():
                found[str(name)] = Price.model_validate(price)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"Cannot read {path}: {error}.", remedy="correct it.") from None
        except ValidationError as error:
            faults = "; ".join(str(fault) for fault in readable_faults(error))
            raise InputError(
                f"The price of {name} in {path}: {faults}.", remedy="correct it there."
            ) from None
        return cls(found)

    def of(self, model: str) -> Price | None:
        """The price of a model; of several patterns the longest that fits."""
        fitting = [
            name
            for name in self._prices
            if name == model or (name.endswith("*") and model.startswith(name[:-1]))
        ]
        return self._prices[max(fitting, key=len)] if fitting else None

    def cost(self, model: str, *, prompt_tokens: int, completion_tokens: int) -> float | None:
        """In USD; None: no price is known."""
        price = self.of(model)
        if price is None:
            return None
        if price.free:
            return 0.0
        prompt, completion = price.prompt or 0.0, price.completion or 0.0
        return (prompt * prompt_tokens + completion * completion_tokens) / MILLION
