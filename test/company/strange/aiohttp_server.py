import asyncio
import os

from aiohttp import web


async def events(request):
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    for n in range(int(request.headers.get("last-event-id", 0)) + 1, 301):
        await asyncio.sleep(0.005)
        try:
            await response.write(f"id: {n}\ndata: {n}\n\n".encode())
        except ConnectionResetError:
            return response
    await asyncio.sleep(3600)
    return response


app = web.Application()
app.add_routes([web.get("/events", events)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
