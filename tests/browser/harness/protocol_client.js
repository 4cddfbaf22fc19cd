// A second, independent client of the protocol (shared/PROTOCOL.md), injected into a blank page: the tests of slots and
// handshakes need a client that does exactly what the test says, which the product's own would not.
// Runs in the page; defines `window.ProtocolClient`.

window.ProtocolClient = class {
  /** A page with several gives each another name for the elements that play its slots. */
  constructor(elements = 'slot') {
    this.elements = elements;
    this.peers = new Map();
    this.slots = [];
    this.negotiation = 0;
    this.waiting = new Map();
    this.negotiations = 0;
  }

  /** Opens the socket and says hello; resolves with the welcome. */
  async join(room, name) {
    this.socket = new WebSocket(`ws://${location.host}/ws`);
    this.socket.onmessage = ({ data }) => this.#handle(JSON.parse(data));
    await new Promise((resolve, reject) => { this.socket.onopen = resolve; this.socket.onerror = reject; });
    const welcome = this.#next('welcome');
    this.#send({ type: 'hello', version: { major: 1, minor: 0 }, room, name, media: { microphone: true, camera: true } });
    return welcome;
  }

  #send(message) { this.socket.send(JSON.stringify(message)); }

  /** The next message of a type; an error of the server instead of it fails. */
  #next(type) { return new Promise((resolve, reject) => this.waiting.set(type, { resolve, reject })); }

  #handle(message) {
    if (message.type === 'welcome') {
      this.peer = message.peer;
      for (const person of message.snapshot.participants) this.peers.set(person.peer, person);
    } else if (message.type === 'delta') {
      for (const change of message.changes) {
        if (change.change === 'left') this.peers.delete(change.peer);
        else this.peers.set(change.participant.peer, change.participant);
      }
    } else if (message.type === 'slot_map') {
      this.slots = message.slots;
    } else if (message.type === 'error') {
      this.lastError = message;
      for (const [type, { reject }] of this.waiting) reject(new Error(`instead of ${type}: ${JSON.stringify(message)}`));
      this.waiting.clear();
    }
    this.waiting.get(message.type)?.resolve(message);
    this.waiting.delete(message.type);
  }

  /**
   * A PeerConnection with the given slots; `publish` adds microphone and camera. Of the server's candidates only those
   * whose lines match `candidates` are used, as if the network let no others through.
   */
  async connect({
    audioSlots = 1, videoSlots = 1, publish = true, width = 1280, height = 720, candidates = '', redundant = false,
    flexfec = true, descriptors = true, codec, scalability,
  } = {}) {
    this.candidates = new RegExp(candidates);
    this.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.sources = [];
    this.connection.onconnectionstatechange = () => {
      if (this.connection.connectionState === 'connected') this.connectedAt ??= performance.now();
    };
    if (publish) await this.publish(width, height, { codec, scalability });
    if (publish && redundant) this.preferRedundancy();
    for (let slot = 0; slot < audioSlots; slot += 1) this.connection.addTransceiver('audio', { direction: 'recvonly' });
    this.addVideoSlots(videoSlots);
    if (descriptors) this.offerDescriptors();
    if (!flexfec) this.refuseRepair();
    await this.negotiate();
  }

  /** Offers the dependency descriptor in all video slots, where the browser has it: it comes switched off. */
  offerDescriptors() {
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.direction === 'recvonly' && transceiver.receiver.track.kind === 'video') {
        const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
        const isDescriptor = ({ uri }) => uri.endsWith('#dependency-descriptor-rtp-header-extension');
        for (const extension of extensions) if (isDescriptor(extension)) extension.direction = 'sendrecv';
        transceiver.setHeaderExtensionsToNegotiate?.(extensions);
      }
    }
  }

  addVideoSlots(count) {
    for (let slot = 0; slot < count; slot += 1) this.connection.addTransceiver('video', { direction: 'recvonly' });
  }

  /**
   * Adds microphone and a camera in three layers; needs a negotiation afterwards. `codec` is the only one offered for the
   * camera; with `scalability` there is one encoding with layers inside.
   */
  async publish(width = 1280, height = 720, { codec, scalability } = {}) {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width, height } });
    const [microphone] = this.stream.getAudioTracks();
    const [camera] = this.stream.getVideoTracks();
    this.sources.push([this.connection.addTransceiver(microphone, { direction: 'sendonly' }), 'microphone']);
    const sending = this.connection.addTransceiver(camera, {
      direction: 'sendonly',
      sendEncodings: scalability ? [{ scalabilityMode: scalability, maxBitrate: 1_500_000 }] : [
        { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
        { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
        { rid: 'f', maxBitrate: 1_500_000 },
      ],
    });
    if (codec) {
      const { codecs } = RTCRtpSender.getCapabilities('video');
      const isWanted = ({ mimeType, sdpFmtpLine = '' }) => mimeType.toLowerCase() === `video/${codec}`
        && (codec !== 'h264' || (sdpFmtpLine.includes('packetization-mode=1') && sdpFmtpLine.includes('42e01f')))
        && (codec !== 'vp9' || sdpFmtpLine.includes('profile-id=0'));
      sending.setCodecPreferences(codecs.filter((each) => isWanted(each) || each.mimeType === 'video/rtx'));
    }
    this.sources.push([sending, 'camera']);
  }

  /** Sends every audio frame twice (RFC 2198). */
  preferRedundancy() {
    const { codecs } = RTCRtpReceiver.getCapabilities('audio');
    const isRedundant = (codec) => codec.mimeType.toLowerCase() === 'audio/red';
    this.sources[0][0].setCodecPreferences([...codecs.filter(isRedundant), ...codecs.filter((codec) => !isRedundant(codec))]);
  }

  /** Takes no repair packets (FlexFEC) in any slot. */
  refuseRepair() {
    const { codecs } = RTCRtpReceiver.getCapabilities('video');
    const isRepair = ({ mimeType }) => mimeType.toLowerCase() === 'video/flexfec-03';
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.direction === 'recvonly' && transceiver.receiver.track.kind === 'video') {
        transceiver.setCodecPreferences(codecs.filter((codec) => !isRepair(codec)));
      }
    }
  }

  /** What getStats says of a video slot. */
  async inbound(mid) {
    return [...(await this.connection.getStats()).values()].find((entry) => entry.type === 'inbound-rtp' && entry.mid === mid);
  }

  /** Samples of the first audio slot so far, and how many of them were made up. */
  async audio() {
    const entries = [...(await this.connection.getStats()).values()];
    const inbound = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio');
    return { received: inbound?.totalSamplesReceived ?? 0, concealed: inbound?.concealedSamples ?? 0, lost: inbound?.packetsLost ?? 0,
      packets: inbound?.packetsReceived ?? 0 };
  }

  /** One offer and its answer. */
  async negotiate() {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const answer = this.#next('answer');
    this.negotiation += 1;
    this.negotiations += 1;
    this.#send({
      type: 'offer',
      negotiation: this.negotiation,
      sdp: this.connection.localDescription.sdp,
      sources: this.sources
        .filter(([transceiver]) => transceiver.mid !== null && transceiver.currentDirection !== 'stopped')
        .map(([transceiver, kind]) => ({ mid: transceiver.mid, kind })),
    });
    const { sdp } = await answer;
    this.answeredAt ??= performance.now();
    const usable = sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || this.candidates.test(line));
    await this.connection.setRemoteDescription({ type: 'answer', sdp: usable.join('\r\n') });
    this.play();
  }

  /** New ICE credentials and new paths; media goes on meanwhile. */
  async restartIce() {
    this.connection.restartIce();
    await this.negotiate();
  }

  /** The pair of candidates in use: its protocol, and the server's address. */
  async path() {
    const stats = await this.connection.getStats();
    const entries = [...stats.values()];
    const transport = entries.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
    const pair = transport ? stats.get(transport.selectedCandidatePairId)
      : entries.find((entry) => entry.type === 'candidate-pair' && entry.selected);
    const remote = pair && stats.get(pair.remoteCandidateId);
    return remote && { protocol: remote.protocol, address: remote.address, port: remote.port, ufrag: remote.usernameFragment };
  }

  /** The candidates of this side, once all are known. */
  async ownCandidates() {
    while (this.connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 50));
    return this.connection.localDescription.sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:'));
  }

  /** Plays every receiving transceiver in an element of its own. */
  play() {
    for (const transceiver of this.receiving()) {
      if (document.getElementById(`${this.elements}-${transceiver.mid}`)) continue;
      const kind = transceiver.receiver.track.kind;
      const element = document.createElement(kind);
      element.id = `${this.elements}-${transceiver.mid}`;
      element.autoplay = true;
      element.playsInline = true;
      element.srcObject = new MediaStream([transceiver.receiver.track]);
      document.body.append(element);
      element.play().catch(() => {});
    }
  }

  receiving(kind) {
    return this.connection.getTransceivers().filter((transceiver) => transceiver.currentDirection === 'recvonly'
      && (!kind || transceiver.receiver.track.kind === kind));
  }

  videoMids() { return this.receiving('video').map((transceiver) => transceiver.mid); }

  /** `wants`: [{mid, peer, height}] */
  want(wants) {
    this.#send({ type: 'wants', wants: wants.map(({ mid, peer, height }) => ({
      mid, source: { peer, kind: 'camera' }, max_height: height, priority: 1 })) });
  }

  /** Frames decoded in a slot, and the size of its picture. */
  async slot(mid) {
    for (const entry of (await this.connection.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.mid === mid) {
        return { frames: entry.framesDecoded ?? 0, width: entry.frameWidth ?? 0, height: entry.frameHeight ?? 0,
          energy: entry.totalAudioEnergy ?? 0, pli: entry.pliCount, nack: entry.nackCount, freezes: entry.freezeCount ?? 0,
          lost: entry.packetsLost, freezeSeconds: entry.totalFreezesDuration ?? 0, keys: entry.keyFramesDecoded ?? 0,
          codec: (await this.connection.getStats()).get(entry.codecId)?.mimeType };
      }
    }
    return { frames: 0, width: 0, height: 0, energy: 0 };
  }

  /**
   * Watches the presented frames of a slot from now on. What is returned ends that, with the next frame or after 3 s without
   * one, and tells the longest gap, and when the size changed first.
   */
  watching(mid) {
    const element = document.getElementById(`${this.elements}-${mid}`);
    const start = performance.now();
    const from = `${element.videoWidth}x${element.videoHeight}`;
    let [last, longestGapMs, frames, changedAfterMs, ended] = [start, 0, 0, null, null];
    const onFrame = (now, data) => {
      longestGapMs = Math.max(longestGapMs, now - last);
      last = now;
      frames += 1;
      const to = `${data.width}x${data.height}`;
      if (changedAfterMs === null && to !== from) changedAfterMs = now - start;
      if (ended) ended({ longestGapMs, frames, changedAfterMs, from, to });
      else element.requestVideoFrameCallback(onFrame);
    };
    element.requestVideoFrameCallback(onFrame);
    return () => new Promise((resolve) => {
      ended = resolve;
      setTimeout(() => resolve({ longestGapMs: Math.max(longestGapMs, performance.now() - last), frames, changedAfterMs, from, to: null }), 3000);
    });
  }

  /** The same for so long. */
  watch(mid, durationMs) {
    const end = this.watching(mid);
    return new Promise((resolve) => setTimeout(() => resolve(end()), durationMs));
  }

  close() {
    this.connection?.close();
    this.socket?.close();
  }
};
