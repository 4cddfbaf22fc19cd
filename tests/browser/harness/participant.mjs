// A person in a meeting: drives the real site the way a person would, and measures what they would see and hear.

import { until } from './until.mjs';
import { freshPage } from './browsers.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

export class Participant {
  /** Opens the link, fills in the lobby and joins. */
  static async join(browser, link, name, options = {}) {
    const participant = new Participant();
    participant.page = await freshPage(browser, options);
    participant.name = name;
    await participant.page.goto(link, { waitUntil: 'domcontentloaded' });
    await participant.#fillLobby(name);
    await participant.inMeeting();
    return participant;
  }

  async #fillLobby(name) {
    await this.page.waitForSelector(byTestId('name'), { timeout: 20_000 });
    await until('the preview shows the camera', () =>
      this.page.$eval(byTestId('preview'), (preview) => {
        const video = preview.querySelector('video');
        return video && video.videoWidth > 0;
      }).catch(() => false));
    await this.page.$eval(byTestId('name'), (input) => { input.value = ''; });
    await this.page.type(byTestId('name'), name);
    await this.page.click(byTestId('join'));
  }

  async inMeeting(timeoutMs = 20_000) {
    await until(`${this.name} is in the meeting`, () =>
      this.page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state).catch(() => null), timeoutMs);
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
