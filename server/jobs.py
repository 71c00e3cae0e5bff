"""`/api/jobs`: what is being done, and how far it is."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from server import bodies
from server.access import require_user
from server.contract import Given, Shown, operation, shown
from server.keys import DATABASE
from vod.catalog import jobs
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobState

LARGEST_ID = 2**63 - 1


class JobQuery(Given):
    """`cursor` is the `next` of the page before."""

    state: Literal["open", "PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class JobView(Shown):
    """`error` is for people; it holds no output of a program."""

    id: int
    media_file_id: UUID
    kind: str
    lane: str
    first_segment: int
    last_segment: int
    state: str
    priority: int
    attempts: int
    cancel_requested: bool
    progress: float
    error: str
    created_at: float
    updated_at: float


class JobPage(Shown):
    items: list[JobView]
    next: str | None


@operation("Jobs, the newest first.", query=JobQuery, answer=JobPage)
async def list_jobs(request: web.Request) -> web.Response:
    await require_user(request)
    query = bodies.read_query(request, JobQuery)
    found = await request.app[DATABASE].read(
        jobs.page, limit=query.limit + 1, before=query.cursor, states=_states(query.state)
    )
    here = found[: query.limit]
    following = str(here[-1].id) if len(found) > query.limit else None
    return shown(JobPage(items=[_view(job) for job in here], next=following))


def _states(state: str | None) -> tuple[JobState, ...]:
    if state is None:
        return ()
    return jobs.OPEN if state == "open" else (JobState(state),)


def _view(job: JobSnapshot) -> JobView:
    return JobView.model_validate(job, from_attributes=True)


routes = (web.get("/api/jobs", list_jobs, name="jobs"),)
