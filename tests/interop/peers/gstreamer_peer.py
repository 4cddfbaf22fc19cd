"""A participant on GStreamer's webrtcbin: publishes a tone and a moving picture, and decodes what it receives.

One JSON object a line, in and out; see harness/foreign.mjs.
"""

import array
import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
# RFC 7587 §7: Opus is always announced with two channels; without `encoding-params` webrtcbin leaves them out, and the
# server refuses the codec.
AUDIO = (
    "application/x-rtp,media=audio,encoding-name=OPUS,encoding-params=(string)2,clock-rate=48000,payload=111,"
    f"extmap-1={MID}"
)
VIDEO = (
    f"application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96,extmap-1={MID},"
    "rtcp-fb-nack=true,rtcp-fb-nack-pli=true,rtcp-fb-transport-cc=true"
)
PIPELINE = f"""
webrtcbin name=rtc bundle-policy=max-bundle
audiotestsrc is-live=true freq=440 volume=0.3 ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! opusenc
  ! rtpopuspay pt=111 ! {AUDIO} ! rtc.sink_0
videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=20/1 ! videoconvert
  ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=100 target-bitrate=600000 ! rtpvp8pay pt=96 picture-id-mode=15-bit
  ! {VIDEO} ! rtc.sink_1
"""


def say(message):
    print(json.dumps(message), flush=True)


class Peer:
    def __init__(self):
        self.video = {"frames": 0, "width": 0, "height": 0, "contrast": 0}
        self.audio = {"frames": 0, "energy": 0.0}
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("pad-added", self.on_pad)
        self.rtc.connect("on-negotiation-needed", lambda _: None)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def on_error(self, _bus, message):
        print(*message.parse_error(), file=sys.stderr, flush=True)
        self.loop.quit()

    def start(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        directions = GstWebRTC.WebRTCRTPTransceiverDirection
        for index in range(2):
            transceiver = self.rtc.emit("get-transceiver", index)
            transceiver.set_property("direction", directions.SENDONLY)
        for caps in (AUDIO, VIDEO):
            slot = self.rtc.emit("add-transceiver", directions.RECVONLY, Gst.Caps.from_string(caps))
            slot.set_property("do-nack", True)
        self.rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer, None))

    def on_offer(self, promise, _data):
        # The reply must outlive what is read from it.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())
        # The server learns our addresses from our checks: candidates need not be in the offer.
        say({"type": "offer", "sdp": offer.sdp.as_text()})

    def answer(self, text):
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.rtc.emit("set-remote-description", description, Gst.Promise.new())
        GLib.timeout_add(500, self.report)

    def report(self):
        state = self.rtc.get_property("connection-state").value_nick
        say({"type": "report", "state": state, "video": self.video, "audio": self.audio})
        return True

    def on_pad(self, _rtc, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.on_decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_decoded(self, _decoder, pad):
        is_video = pad.get_current_caps().get_structure(0).get_name().startswith("video")
        kind = "video/x-raw,format=I420" if is_video else "audio/x-raw,format=S16LE,rate=48000,channels=1"
        convert = "videoconvert" if is_video else "audioconvert ! audioresample"
        chain = Gst.parse_bin_from_description(
            f"queue ! {convert} ! {kind} ! appsink name=sink emit-signals=true sync=false max-buffers=50 drop=true", True
        )
        sink = chain.get_by_name("sink")
        sink.connect("new-sample", self.on_picture if is_video else self.on_sound)
        self.pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def on_picture(self, sink):
        sample = sink.emit("pull-sample")
        shape = sample.get_caps().get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        buffer = sample.get_buffer()
        some = buffer.extract_dup(0, width * height)[::997]
        frames = self.video["frames"] + 1
        self.video = {"frames": frames, "width": width, "height": height, "contrast": max(some) - min(some)}
        return Gst.FlowReturn.OK

    def on_sound(self, sink):
        buffer = sink.emit("pull-sample").get_buffer()
        samples = array.array("h", buffer.extract_dup(0, buffer.get_size()))
        self.audio["frames"] += 1
        self.audio["energy"] += sum((sample / 32768) ** 2 for sample in samples[::8]) * 8 / 48_000
        return Gst.FlowReturn.OK


def listen(peer):
    """Hands what the test says to the main loop; the end of its words is our end."""
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "start":
            GLib.idle_add(peer.start)
        elif message["type"] == "answer":
            GLib.idle_add(peer.answer, message["sdp"])
    GLib.idle_add(peer.loop.quit)


Gst.init(None)
participant = Peer()
threading.Thread(target=listen, args=(participant,), daemon=True).start()
participant.loop.run()
participant.pipeline.set_state(Gst.State.NULL)
