"""Retrieval: an index of code chunks, built once, published in versions, searched by meaning.

Importing this package is cheap; numpy, faiss, onnxruntime and torch load when they are used.
"""

import os

# ONNX Runtime from 1.29 on gives the machine an id and sends usage data to its maker, unless this
# stands in the environment before it is loaded: microsoft/onnxruntime#27379.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from calisota.rag.build import build_index
from calisota.rag.retriever import Retriever
from calisota.rag.versions import Manifest

__all__ = ["Manifest", "Retriever", "build_index"]
