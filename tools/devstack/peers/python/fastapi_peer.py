"""The list and the item of a library as FastAPI's and asyncpg's documentation would have them written."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4  # noqa: TID251 - it has no port for ids

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, Field

SQL = {path.stem: path.read_text() for path in Path(os.environ["PEER_SQL"]).glob("*.sql")}
KEY = jwt.PyJWK(json.loads(os.environ["PEER_KEY"])).key


class OwnedDLC(BaseModel):
    """A DLC under its base game."""

    dlc_id: UUID
    name: str | None
    installed: bool
    size_installed: int | None
    size_required: int | None


class Item(BaseModel):
    """One game of a page."""

    id: UUID
    user_id: UUID
    game_id: UUID
    name: str | None
    product_type: str
    acquisition_type: str | None
    acquisition_date: datetime
    is_hidden: bool
    is_favorite: bool
    last_played_at: datetime | None
    total_playtime_seconds: int
    installation_status: str
    installed: bool
    size_installed: int | None
    platform: str | None
    platforms: list[str]
    categories: list[str]
    dlc: list[OwnedDLC]
    family_shared: bool
    owner_id: UUID | None
    notes: str | None
    cover_url: str | None
    created_at: datetime
    updated_at: datetime


class LaunchOption(BaseModel):
    """One way to start a game."""

    id: str
    name: str
    command: str
    is_default: bool


class Installation(BaseModel):
    """What one device has of a game."""

    device_id: str
    platform: str | None
    status: str
    failed_reason: str | None
    install_path: str | None
    installed_version: str | None
    size_installed: int | None
    size_total: int | None
    installed_at: datetime | None


class PlayedSession(BaseModel):
    """A session that is over."""

    id: UUID
    start_time: datetime
    end_time: datetime
    duration_seconds: int


class Access(BaseModel):
    """Whether the game may be played, and why."""

    allowed: bool
    via: str | None
    reason: str | None
    expires_at: datetime | None
    owner_id: UUID | None


class ItemDetail(Item):
    """One game with everything that exists of it."""

    install_path: str | None
    size_required: int | None
    version: str | None
    developer: str | None
    launch_options: list[LaunchOption]
    devices: list[Installation]
    playtime_sessions: list[PlayedSession]
    access: Access


class Page(BaseModel):
    """A part of a library."""

    items: list[Item]
    total: int
    limit: int
    offset: int = 0
    next_cursor: None = None


class PageAnswer(BaseModel):
    """The envelope of a page."""

    status: Literal["success"] = "success"
    data: Page
    error: None = None


class ItemAnswer(BaseModel):
    """The envelope of an item."""

    status: Literal["success"] = "success"
    data: ItemDetail
    error: None = None


class StartRequest(BaseModel):
    """A game that is played now."""

    game_id: UUID
    device_id: Annotated[str, Field(min_length=1, max_length=100)]
    platform: Literal["windows", "macos", "linux", "android", "ios"] | None = None


class Started(BaseModel):
    """The session that began."""

    session_id: UUID
    game_id: UUID
    start_time: datetime
    state: Literal["active"] = "active"


class StartAnswer(BaseModel):
    """The envelope of a start."""

    status: Literal["success"] = "success"
    data: Started
    error: None = None


class HeartbeatRequest(BaseModel):
    """A sign of life."""

    session_id: UUID
    idle_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0


class Heartbeat(BaseModel):
    """What was played so far."""

    session_id: UUID
    played_seconds: int


class HeartbeatAnswer(BaseModel):
    """The envelope of a heartbeat."""

    status: Literal["success"] = "success"
    data: Heartbeat
    error: None = None


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=1, max_size=10, init=_prepare, command_timeout=5
    ) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)


async def _caller(authorization: Annotated[str, Header()]) -> UUID:
    # A coroutine, for FastAPI would send a plain function to a thread.
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            KEY,
            algorithms=["RS256"],
            audience=os.environ["PEER_AUDIENCE"],
            issuer=os.environ["PEER_ISSUER"],
        )
    except jwt.InvalidTokenError as refused:
        raise HTTPException(401) from refused
    return UUID(claims["sub"])


Caller = Annotated[UUID, Depends(_caller)]


@app.get("/api/v1/library", response_model=PageAnswer)
async def library(
    user: Caller,
    sort: Literal["name", "-acquisition_date"] = "name",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    """Return a page."""
    statement = SQL["page_by_name" if sort == "name" else "page_newest"]
    rows = await app.state.pool.fetch(statement, user, limit)
    return {
        "data": {
            "items": [dict(row) for row in rows],
            "total": rows[0]["total"] if rows else 0,
            "limit": limit,
        }
    }


@app.get("/api/v1/library/{game_id}", response_model=ItemAnswer)
async def item(user: Caller, game_id: UUID) -> dict[str, Any]:
    """Return one game."""
    row = await app.state.pool.fetchrow(SQL["item"], user, game_id)
    if row is None:
        raise HTTPException(404)
    return {"data": dict(row)}


@app.post("/api/v1/library/playtime/start", response_model=StartAnswer)
async def start(user: Caller, asked: StartRequest) -> dict[str, Any]:
    """Begin a session and write its event, in one transaction."""
    parameters = (user, asked.game_id, uuid4())
    async with app.state.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(SQL["start"], *parameters)
        if row is None:
            raise HTTPException(404)
        await connection.execute(SQL["started"], *parameters)
    return {"data": dict(row) | {"game_id": asked.game_id}}


@app.post("/api/v1/library/playtime/heartbeat", response_model=HeartbeatAnswer)
async def heartbeat(user: Caller, asked: HeartbeatRequest) -> dict[str, Any]:
    """Take a sign of life."""
    row = await app.state.pool.fetchrow(SQL["heartbeat"], user, asked.session_id)
    if row is None:
        raise HTTPException(404)
    return {"data": dict(row) | {"session_id": asked.session_id}}
