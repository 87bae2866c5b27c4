"""Sends recordings as the tracks of one meeting: `uv run examples/send_tracks.py Ann=ann.wav Bob=bob.wav`.

A tap or a gateway does the same with live audio: one connection, a track for each person, and a message that says who
is on it. `ser-track serve` must be running. People have to agree with the link that is printed for each, unless the
server is configured with the consent "notice".
"""

import argparse
import asyncio
import json
from typing import Any

from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer


def main() -> None:
    """Send until Ctrl-C, or until the bot has left."""
    arguments = argparse.ArgumentParser(description="Send recordings as tracks of one meeting, and print the results.")
    arguments.add_argument("people", nargs="+", metavar="NAME=FILE", help="somebody, and the recording of their voice")
    arguments.add_argument("--server", default="http://localhost:8080", help="default: http://localhost:8080")
    arguments.add_argument("--token", help="server.token, if the server has one")
    arguments.add_argument("--meeting", help="the meeting's name, under which answers of people are remembered")
    args = arguments.parse_args()
    people = dict(person.partition("=")[::2] for person in args.people)
    asyncio.run(send(args.server, args.token, args.meeting, people))


async def send(server: str, token: str | None, meeting: str | None, people: dict[str, str]) -> None:
    """Send ``people``, names with the paths of their recordings."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel, over = connection.createDataChannel("tracks"), asyncio.Event()
    names: dict[str, str] = {}
    channel.on("message", lambda message: show(json.loads(message), names, over))
    for path in people.values():
        if (voice := MediaPlayer(path).audio) is None:
            raise SystemExit(f"{path} has no audio")
        connection.addTrack(voice)
    await connection.setLocalDescription(await connection.createOffer())
    body = {"server": "tracks", "name": meeting, "sdp": connection.localDescription.sdp}
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers) as http, http.post(f"{server}/meetings", json=body) as response:
        answer = await response.json()
    if "error" in answer:
        raise SystemExit(answer["error"]["message"])
    mids = [transceiver.mid for transceiver in connection.getTransceivers()]

    @channel.on("open")
    def say_who_is_there() -> None:
        for mid, name in zip(mids, people, strict=True):
            channel.send(json.dumps({"mid": mid, "id": name, "name": name}))

    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    await over.wait()
    await connection.close()


def show(message: dict[str, Any], names: dict[str, str], over: asyncio.Event) -> None:
    """Print what the bot says; ``names`` are those of the participants so far."""
    match message:
        case {"type": "person", "participant": participant, "name": name, "analysed": analysed}:
            names[participant] = name
            print(f"{name} is analysed" if analysed else f"{name} can agree at {message['own_url']}", flush=True)
        case {"type": "error", "message": said}:
            print(f"error: {said}", flush=True)
    for event in message.get("events", ()):
        if event["type"] == "emotion" and event["final"]:
            print(f"{names[event['participant']]}: {event['label']}, {event['confidence']:.0%} sure", flush=True)
        elif event["type"] == "meeting" and event["state"] == "left":
            over.set()


if __name__ == "__main__":
    main()
