"""Corpora: where the documents of an index come from, and which of them are left out."""

from calisota.rag.corpora.config import Corpus, load_corpora
from calisota.rag.corpora.discover import Discovered, digest_of, discover

__all__ = ["Corpus", "Discovered", "digest_of", "discover", "load_corpora"]
