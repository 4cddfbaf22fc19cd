// A page that has a meeting in it: what it says, and what it hears.

import { freshPage } from '../../browser/harness/browsers.mjs';
import { until } from '../../browser/harness/until.mjs';

/** A page of another origin, and the meeting in it. */
export class Host {
  static async open(browser, site, options) {
    const host = new Host();
    host.page = await freshPage(browser, options);
    await host.page.goto(site.origin, { waitUntil: 'load' });
    return host;
  }

  /** Puts the element into the page and waits until the frame has accepted it. */
  async embed(attributes) {
    await this.page.evaluate((given) => embed(given), attributes);
    await this.page.evaluate(() => window.meeting.ready);
    this.frame = await until('the frame is there', () => this.page.frames().find((frame) => frame.parentFrame()));
  }

  /** What a command is answered, or the code that it is rejected with. */
  command(name, ...values) {
    return this.page.evaluate(async (method, given) => {
      try {
        return await window.meeting[method](...given);
      } catch (error) {
        return error.code ?? `${error}`;
      }
    }, name, values);
  }

  heard(name) {
    return this.page.evaluate((wanted) => heard.filter((event) => event.name === wanted).map(({ detail }) => detail), name);
  }

  /** The first event of this name that fits. */
  hears(name, fits = () => true) {
    return until(`the page hears ${name}`, async () => (await this.heard(name)).find(fits), 30_000)
      .catch(async (error) => {
        throw new Error(`${error.message}; it heard ${JSON.stringify(await this.page.evaluate(() => heard))}`);
      });
  }

  close() {
    return this.page.browserContext().close();
  }
}

export const NAME = { 'display-name': 'Ada', 'skip-lobby': '', 'external-id': 'user-7', metadata: '{"team":"blue"}' };
