// `cargo xtask bench join`: from the click on "Join" to the first frame of somebody else, in Chromium over the loopback interface.
// The page is loaded and the camera on before: what is measured is the meeting's own part.

import {
  Server, Participant, freshPage, launchChromium, noteFrames, percentile, runs, say, tell, until,
} from './product.mjs';

/** Fewer joins than this have no 95th percentile. */
const JOINS_MIN = 20;
/** Not counted: the first ones find everything cold. */
const WARM_UP = 2;
/** On the way, in their order. */
const MARKS = ['socket', 'welcome', 'answer', 'connected', 'frame'];

const server = await Server.start();
const browser = await launchChromium();
const joins = [];
try {
  const { link } = await server.createRoom();
  const ada = await Participant.join(browser, link, 'Ada');
  const count = Math.max(JOINS_MIN, runs);
  for (let number = -WARM_UP; number < count; number += 1) {
    const marks = await join(link, number);
    if (number >= 0) joins.push(marks);
    await ada.seesPeople(1);
  }
} finally {
  await browser.close();
  await server.stop();
}

const after = (mark) => joins.map((marks) => marks[mark] - marks.click).filter(Number.isFinite);
const note = `${joins.length} joins of a second person in one Chromium, whose own camera was on already; no other system runs here`;
const row = (metric, values) => ({ who: 'visavis', metric, unit: 'ms', values, note });
tell([
  row('join_p50_ms', after('frame')),
  row('join_p95_ms', [percentile(after('frame'), 0.95)]),
  ...MARKS.slice(0, -1).map((mark) => row(`join_until_${mark}_ms`, after(mark))),
]);

async function join(link, number) {
  const page = await freshPage(browser, { before: { run: noteFrames, with: [] } });
  try {
    await page.goto(link, { waitUntil: 'domcontentloaded' });
    await page.waitForSelector('[data-testid="name"]', { timeout: 30_000 });
    await until('the camera is on', () => page.$eval('[data-testid="preview"] video', ({ videoWidth }) => videoWidth > 0).catch(() => false), 30_000);
    await page.type('[data-testid="name"]', 'Bob');
    await page.click('[data-testid="join"]');
    const marks = await until('the first frame of Ada', () => page.evaluate(() => (window.marks.frame ? window.marks : null)), 120_000);
    say(`join ${number}: ${MARKS.map((mark) => `${mark} ${(marks[mark] - marks.click).toFixed(0)}`).join(', ')} ms`);
    await page.click('[data-testid="leave"]');
    await page.waitForSelector('[data-testid="ended"]');
    return marks;
  } finally {
    await page.browserContext().close();
  }
}
