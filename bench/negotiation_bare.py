"""Two ends that say the four messages of a negotiation to each other and keep nothing: `python -m bench.negotiation_bare PORT`.

The same framework, server and client as the node's. `POST /start` with the other end's address negotiates once and answers
when the other end has said that it is final.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import Any

import aiohttp
import uvicorn
from litestar import Litestar, Request, post

STEPS = ("request", "agreement", "verification", "finalized")
_waiting: dict[str, asyncio.Future[None]] = {}
_session: list[aiohttp.ClientSession] = []


async def _say(url: str, step: int, talk: str, back: str) -> None:
    if not _session:
        _session.append(aiohttp.ClientSession())
    async with _session[0].post(f"{url}/heard", json={"step": step, "talk": talk, "back": back}) as response:
        assert response.status == 201
        await response.read()


@post("/heard")
async def heard(request: Request[Any, Any, Any]) -> dict[str, str]:
    said = await request.json()
    step, talk, here = said["step"], said["talk"], str(request.base_url).rstrip("/")
    if step + 1 < len(STEPS):
        request.app.state.tasks.add(asyncio.ensure_future(_say(said["back"], step + 1, talk, here)))
    else:
        _waiting.pop(talk).set_result(None)
    return {"state": STEPS[step]}


@post("/start")
async def start(request: Request[Any, Any, Any]) -> dict[str, str]:
    talk = str(uuid.uuid4())
    _waiting[talk] = done = asyncio.get_running_loop().create_future()
    await _say((await request.json())["to"], 0, talk, str(request.base_url).rstrip("/"))
    await done
    return {"talk": talk}


if __name__ == "__main__":
    app = Litestar([heard, start])
    app.state.tasks = set()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
