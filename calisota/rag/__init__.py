"""Retrieval: an index of code chunks, built once, published in versions, searched by meaning.

Importing this package is cheap; numpy, faiss, onnxruntime and torch load when they are used.
"""

from calisota.rag.build import build_index
from calisota.rag.retriever import Retriever
from calisota.rag.versions import Manifest

__all__ = ["Manifest", "Retriever", "build_index"]
