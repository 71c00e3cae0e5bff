from __future__ import annotations

from tests.vod.ffmpeg import corpus

# The corpus lies beside the checkout where there is one; it is no part of the repository, and a clean clone has none.
collect_ignore = [] if corpus.ROOT.is_dir() else ["test_matroska_corpus.py"]
