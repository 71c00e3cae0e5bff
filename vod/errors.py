"""The errors that Homereel raises on purpose; a few more are defined beside the one module that raises them.

::

    HomereelError
    ├── ConfigError            a key of the configuration breaks its rule
    ├── Invalid                a request's field breaks its rule
    ├── NotFound               no such thing, or none this caller may see
    ├── SegmentNotReady        planned but not encoded yet; `retry_after_seconds` says when to come back
    ├── Conflict               the thing is in a state that does not allow this
    ├── AccessError
    │   ├── Unauthenticated    nobody is signed in
    │   ├── Forbidden          signed in, and still not allowed
    │   ├── TokenRefused       a stream token is bad, foreign, expired or revoked
    │   └── Throttled          too many failures; `retry_after_seconds` says when to come back
    ├── UploadError
    │   ├── UploadTooLarge     over the configured limit
    │   ├── DiskFull           the reserve of free disk would be eaten
    │   ├── UploadEmpty        no bytes came
    │   ├── UploadInterrupted  the client went away
    │   ├── UploadStalled      the client is there and sends nothing, or next to nothing
    │   └── UnsupportedBody    wrong content type or a content encoding
    ├── SourceError            the original cannot be used; the message is for a person
    ├── ProcessError
    │   ├── ProcessFailed      a non-zero end, with the tail of stderr
    │   ├── ProcessTimeout     no progress, or over the wall clock
    │   ├── OutputRefused      the exit code was 0, the output is wrong all the same
    │   └── SandboxUnavailable the platform lacks what `sandbox = "required"` asks for
    ├── JobCancelled           somebody asked for this job to stop
    └── DatabaseTooNew         written by a newer Homereel

Each class carries a stable `code`; `server.problems` gives each code that reaches a caller its HTTP status.
"""

from __future__ import annotations

from typing import ClassVar


class HomereelError(Exception):
    """`detail` is one sentence for a person; it never holds a path, a token or a password."""

    code: ClassVar[str] = "internal-error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class ConfigError(HomereelError):
    code = "config-invalid"


class Invalid(HomereelError):
    code = "invalid-request"


class NotFound(HomereelError):
    code = "not-found"


class SegmentNotReady(HomereelError):
    code = "segment-not-ready"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Conflict(HomereelError):
    code = "conflict"


class AccessError(HomereelError):
    code = "access-refused"


class Unauthenticated(AccessError):
    code = "unauthenticated"


class Forbidden(AccessError):
    code = "forbidden"


class TokenRefused(AccessError):
    code = "token-refused"


class Throttled(AccessError):
    code = "throttled"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class UploadError(HomereelError):
    code = "upload-failed"


class UploadTooLarge(UploadError):
    code = "upload-too-large"


class DiskFull(UploadError):
    code = "disk-full"


class UploadEmpty(UploadError):
    code = "upload-empty"


class UploadInterrupted(UploadError):
    code = "upload-interrupted"


class UploadStalled(UploadError):
    code = "upload-stalled"


class UnsupportedBody(UploadError):
    code = "unsupported-body"


class SourceError(HomereelError):
    code = "original-unusable"


class ProcessError(HomereelError):
    """`stderr_tail` is for the log and the job row's owner, never for another user."""

    code = "process-failed"

    def __init__(self, detail: str, stderr_tail: str = "") -> None:
        super().__init__(detail)
        self.stderr_tail = stderr_tail


class ProcessFailed(ProcessError):
    pass


class ProcessTimeout(ProcessError):
    code = "process-timeout"


class OutputRefused(ProcessError):
    code = "output-refused"


class SandboxUnavailable(ProcessError):
    code = "sandbox-unavailable"


class JobCancelled(HomereelError):
    code = "job-cancelled"


class DatabaseTooNew(HomereelError):
    code = "database-too-new"
