"""Fused attention for MPNet, for which transformers has only the unfused kind.

MPNet adds a learned bias by relative position to the scores. `scaled_dot_product_attention` takes
such a bias as an additive mask, and adding the padding's mask to it once serves every layer.
Source: transformers 5.23, models/mpnet/modeling_mpnet.py, whose results this reproduces.

An additive mask rules out CUDA's flash kernel; the memory-efficient or the cuDNN kernel runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from collections.abc import Iterable


def fuse_attention(model: torch.nn.Module) -> bool:
    """Whether `model` is an MPNet encoder, which from now on attends with the fused kernel.

    For inference: it has no dropout and returns no attention weights.
    """
    if model.__class__.__name__ != "MPNetModel":
        return False
    stock: Any = model.encoder
    if isinstance(stock, _FusedEncoder):
        return True
    for layer in stock.layer:
        layer.attention.attn = _FusedSelfAttention(layer.attention.attn)
    model.encoder = _FusedEncoder(stock)
    return True


class _FusedSelfAttention(torch.nn.Module):
    """MPNet's self-attention with the weights of `stock`."""

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = stock.q, stock.k, stock.v, stock.o
        self.head_size = int(stock.attention_head_size)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_bias: torch.Tensor | None = None,
        **_: object,
    ) -> tuple[torch.Tensor]:
        """From (n, tokens, d) to the same; `position_bias` is (n or 1, heads, tokens, tokens).

        `attention_mask` is for the caller's signature: its values are in `position_bias` already.
        """
        del attention_mask
        n, tokens, d = hidden_states.shape
        q, k, v = (
            project(hidden_states).view(n, tokens, -1, self.head_size).transpose(1, 2)
            for project in (self.q, self.k, self.v)
        )
        attended = scaled_dot_product_attention(q, k, v, attn_mask=position_bias)
        return (self.o(attended.transpose(1, 2).reshape(n, tokens, d)),)


class _FusedEncoder(torch.nn.Module):
    """MPNet's stack of layers, its bias and mask summed once instead of in every layer."""

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.layer = stock.layer
        self.relative_attention_bias = stock.relative_attention_bias
        self._buckets = stock.relative_position_bucket
        self._bucket_count = int(stock.config.relative_attention_num_buckets)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **_: object,
    ) -> Any:
        """A model output whose `last_hidden_state` is (n, tokens, d).

        `attention_mask` is None or additive, broadcastable to (n, heads, tokens, tokens).
        """
        from transformers.modeling_outputs import BaseModelOutput  # noqa: PLC0415

        bias = self._position_bias(hidden_states)
        if attention_mask is not None:
            bias = bias + attention_mask
        for layer in cast("Iterable[torch.nn.Module]", self.layer):
            hidden_states = layer(hidden_states, None, bias)[0]
        return BaseModelOutput(last_hidden_state=cast("Any", hidden_states))

    def _position_bias(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(1, heads, tokens, tokens), the same for every text, in the weights' precision."""
        position = torch.arange(hidden_states.shape[1], device=hidden_states.device)
        buckets = self._buckets(
            position[None, :] - position[:, None], num_buckets=self._bucket_count
        )
        bias: torch.Tensor = self.relative_attention_bias(buckets)
        return bias.permute(2, 0, 1).unsqueeze(0)
