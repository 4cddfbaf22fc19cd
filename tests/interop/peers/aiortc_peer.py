"""A participant on aiortc: publishes a tone and a moving picture, and decodes what it receives.

One JSON object a line, in and out; see harness/foreign.mjs.
"""

import array
import asyncio
import fractions
import json
import math
import sys
import time

import av
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

WIDTH, HEIGHT, FRAMES_PER_SECOND = 640, 360, 20
SAMPLE_RATE, SAMPLES = 48_000, 960
TONE_HZ = 440


class Microphone(MediaStreamTrack):
    """A sine tone."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.start = time.monotonic()
        self.sent = 0

    async def recv(self):
        await asyncio.sleep(max(0, self.start + self.sent / SAMPLE_RATE - time.monotonic()))
        turn = 2 * math.pi * TONE_HZ / SAMPLE_RATE
        samples = array.array("h", (int(9000 * math.sin((self.sent + at) * turn)) for at in range(SAMPLES)))
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self.sent, fractions.Fraction(1, SAMPLE_RATE)
        self.sent += SAMPLES
        return frame


class Camera(MediaStreamTrack):
    """A gradient that moves."""

    kind = "video"

    def __init__(self):
        super().__init__()
        self.start = time.monotonic()
        self.sent = 0

    async def recv(self):
        await asyncio.sleep(max(0, self.start + self.sent / FRAMES_PER_SECOND - time.monotonic()))
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma, *chroma = frame.planes
        line = bytes((at + self.sent * 4) % 256 for at in range(luma.line_size))
        luma.update(line * HEIGHT)
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = self.sent * 90_000 // FRAMES_PER_SECOND, fractions.Fraction(1, 90_000)
        self.sent += 1
        return frame


class Received:
    """What was decoded so far."""

    def __init__(self):
        self.video = {"frames": 0, "width": 0, "height": 0, "contrast": 0}
        self.audio = {"frames": 0, "energy": 0.0}

    async def watch(self, track):
        while True:
            frame = await track.recv()
            if track.kind == "video":
                some = bytes(frame.planes[0])[::997]
                self.video = {
                    "frames": self.video["frames"] + 1,
                    "width": frame.width,
                    "height": frame.height,
                    "contrast": max(some) - min(some),
                }
            else:
                samples = array.array("h", bytes(frame.planes[0])[: frame.samples * 2])
                self.audio["frames"] += 1
                self.audio["energy"] += sum((sample / 32768) ** 2 for sample in samples[::8]) * 8 / SAMPLE_RATE


def say(message):
    print(json.dumps(message), flush=True)


async def statistics(connection):
    """Sums over the streams, of what aiortc counts."""
    sums = {"packetsLost": 0, "packetsReceived": 0, "packetsSent": 0, "remotePacketsLost": 0}
    for entry in (await connection.getStats()).values():
        if entry.type == "inbound-rtp":
            sums["packetsLost"] += entry.packetsLost
            sums["packetsReceived"] += entry.packetsReceived
        elif entry.type == "outbound-rtp":
            sums["packetsSent"] += entry.packetsSent
        elif entry.type == "remote-inbound-rtp":
            sums["remotePacketsLost"] += entry.packetsLost
    return sums


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await lines.readline()
    configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    connection = RTCPeerConnection(configuration)
    for source in (Microphone(), Camera()):
        connection.addTransceiver(source, direction="sendonly")
    for kind in ("audio", "video"):
        connection.addTransceiver(kind, direction="recvonly")
    received = Received()
    watching = []

    @connection.on("track")
    def on_track(track):
        watching.append(asyncio.ensure_future(received.watch(track)))

    await connection.setLocalDescription(await connection.createOffer())
    say({"type": "offer", "sdp": connection.localDescription.sdp})
    answer = json.loads(await lines.readline())
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    async def report():
        while True:
            state = connection.connectionState
            counted = await statistics(connection)
            say({"type": "report", "state": state, "video": received.video, "audio": received.audio, **counted})
            await asyncio.sleep(0.5)

    reporting = asyncio.ensure_future(report())
    while await lines.readline():
        pass
    reporting.cancel()
    await connection.close()


asyncio.run(main())
