import asyncio
import os

import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route


async def numbers(last):
    for n in range(last + 1, 301):
        await asyncio.sleep(0.005)
        yield f"id: {n}\r\ndata: {n}\r\n\r\n"
    await asyncio.sleep(3600)


async def events(request):
    return StreamingResponse(numbers(int(request.headers.get("last-event-id", 0))), media_type="text/event-stream")


app = Starlette(routes=[Route("/events", events)])
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error")
