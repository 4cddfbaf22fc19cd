// A person in a meeting: drives the real site the way a person would, and measures what they would see and hear.

import { until } from './until.mjs';
import { freshPage } from './browsers.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
/** For what is no promise: a machine with much else to do starts a page in a minute. */
const STARTED_MS = 60_000;

export class Participant {
  /** Opens the link, fills in the lobby and joins. */
  static async join(browser, link, name, options = {}) {
    const participant = await Participant.arrive(browser, link, name, options);
    await participant.inMeeting(STARTED_MS);
    return participant;
  }

  /** Opens the link, fills in the lobby and asks to be let in; what comes of it is for the caller to see. `camera: false`
      switches the camera off before. */
  static async arrive(browser, link, name, options = {}) {
    const participant = new Participant();
    participant.page = await freshPage(browser, options);
    participant.name = name;
    await participant.page.goto(link, { waitUntil: 'domcontentloaded' });
    await participant.fillLobby(name, options);
    return participant;
  }

  /** Creates a meeting on the home page, and joins it. `link` is what the others are sent. */
  static async create(browser, home, name, options = {}) {
    const participant = new Participant();
    participant.page = await freshPage(browser, options);
    participant.name = name;
    await participant.page.goto(home, { waitUntil: 'domcontentloaded' });
    await participant.page.waitForSelector(byTestId('new-meeting'), { timeout: STARTED_MS });
    await participant.click('new-meeting');
    await participant.fillLobby(name, options);
    participant.link = participant.page.url();
    await participant.inState('connected', STARTED_MS);
    return participant;
  }

  async fillLobby(name, { camera = true } = {}) {
    await this.page.waitForSelector(byTestId('name'), { timeout: STARTED_MS });
    await until('the preview shows the camera', () =>
      this.page.$eval(byTestId('preview'), (preview) => {
        const video = preview.querySelector('video');
        return video && video.videoWidth > 0;
      }).catch(() => false), STARTED_MS);
    if (!camera) await this.click('toggle-camera');
    await this.page.$eval(byTestId('name'), (input) => { input.value = ''; });
    await this.page.type(byTestId('name'), name);
    await this.page.click(byTestId('join'));
  }

  async inMeeting(timeoutMs = 20_000) {
    await until(`${this.name} is in the meeting`, () =>
      this.page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state).catch(() => null), timeoutMs);
  }

  /** Waits for one state of the meeting. */
  async inState(state, timeoutMs = 40_000) {
    const shown = () => this.page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state).catch(() => null);
    await until(`${this.name} is ${state}`, async () => (await shown()) === state, timeoutMs);
  }

  /** Waits for the end of the stay: why, in a word and in the sentence that is shown. */
  async ended(timeoutMs = 40_000) {
    await this.page.waitForSelector(byTestId('ended'), { timeout: timeoutMs });
    return this.page.$eval(byTestId('ended'), (page) => ({
      state: page.dataset.state,
      sentence: page.querySelector('[data-testid="reason"]').textContent,
    }));
  }

  /** Every tile: whose, and what it shows. */
  tiles() {
    return this.page.$$eval(byTestId('tile'), (tiles) => tiles.map((tile) => {
      const video = tile.querySelector('video');
      return {
        peer: tile.dataset.peer,
        self: tile.dataset.self === 'true',
        speaking: tile.dataset.speaking === 'true',
        muted: tile.dataset.muted === 'true',
        text: tile.textContent,
        width: video?.videoWidth ?? 0,
        frames: video?.getVideoPlaybackQuality?.().totalVideoFrames ?? 0,
      };
    }));
  }

  async ownPeer() {
    return (await this.tiles()).find((tile) => tile.self)?.peer;
  }

  /** What arrives: decoded frames and audio energy, summed over the slots, and the transport's state. */
  received() {
    return this.page.evaluate(async () => {
      const connection = window.visavisDebug?.peerConnection();
      if (!connection) return { state: 'none', framesDecoded: 0, audioEnergy: 0, videos: [] };
      const result = { state: connection.connectionState, framesDecoded: 0, audioEnergy: 0, videos: [] };
      // Firefox never answers for a connection that is closed meanwhile.
      const nothing = new Promise((resolve) => setTimeout(resolve, 2000, new Map()));
      for (const entry of (await Promise.race([connection.getStats(), nothing])).values()) {
        if (entry.type !== 'inbound-rtp') continue;
        if (entry.kind === 'audio') result.audioEnergy += entry.totalAudioEnergy ?? 0;
        if (entry.kind === 'video') {
          result.framesDecoded += entry.framesDecoded ?? 0;
          result.videos.push({ mid: entry.mid, frames: entry.framesDecoded ?? 0, width: entry.frameWidth, height: entry.frameHeight,
            freezes: entry.freezeCount ?? 0 });
        }
      }
      return result;
    });
  }

  /** Waits until frames of `videos` other people are decoded, and somebody is heard, from now on. */
  async seesAndHears(videos, timeoutMs = 25_000) {
    const before = await this.received();
    const growing = (now) => now.videos.filter((video) => {
      const earlier = before.videos.find((other) => other.mid === video.mid);
      return video.frames > (earlier?.frames ?? 0) + 5;
    }).length;
    let now;
    try {
      await until('', async () => {
        now = await this.received();
        const shown = (await this.tiles()).filter((tile) => !tile.self && tile.width > 0).length;
        return now.state === 'connected' && growing(now) >= videos && shown >= videos
          && now.audioEnergy > before.audioEnergy;
      }, timeoutMs);
    } catch {
      throw new Error(`${this.name} does not see and hear ${videos}: before ${JSON.stringify(before)}, now ${JSON.stringify(now)}, `
        + `tiles ${JSON.stringify(await this.tiles())}, errors ${JSON.stringify(this.page.errors)}`);
    }
  }

  async seesPeople(count, timeoutMs = 15_000) {
    await until(`${this.name} sees ${count} tiles`, async () => (await this.tiles()).length === count, timeoutMs);
  }

  click(testId) {
    return this.page.click(byTestId(testId));
  }

  async close() {
    await this.page.browserContext().close();
  }
}
