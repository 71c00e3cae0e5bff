"""The shared domain of Homereel: what server and worker both know.

The flow, and where each step lives::

    upload ──> originals/{id}.{ext}         vod.uploads, vod.storage
      │ one transaction: MediaFile + probe job   vod.catalog
      ▼
    probe ──> Source, FrameTimes            vod.ffmpeg
      ▼
    plan  ──> cuts, renditions, digest      vod.hls.plan
      ▼
    spans ──> segments, by rename           vod.hls.encode, vod.hls.cutter
      ▼
    playlists, verified                     vod.hls.playlist, multivariant, verify

This package imports neither ``server`` nor ``worker``. Which part may import which sibling stands in
ARCHITECTURE.md's table and is tested.
"""
