"""A worker: claims one job at a time, has `vod` do it, records the end. Killed at any moment, it loses nothing.

::

    queue ──> runner ──> a body of worker.tasks, with a Context
                │             │ progress, "achieved"
                │         heartbeat: renews the lease, stops the body when it is lost or cancelled
                └──> the row: completed, failed, given back
    sweeper: frees what dead workers held, removes the bytes of deleted films

Any number may run, on any host that shares the media root and the database; `serve` keeps some as children.
"""
