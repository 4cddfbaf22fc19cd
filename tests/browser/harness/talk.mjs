// What people do in a meeting beside being seen and heard: the chat, the list of people, what hosts set.

import { until } from './until.mjs';

/** How long a shared machine may take until something shows. */
export const PATIENCE_MS = 40_000;

const byTestId = (id) => `[data-testid="${id}"]`;

/** Waits for something to become true, with that patience. */
export const eventually = (what, probe) => until(what, probe, PATIENCE_MS);

/** Clicks what may have to appear first. */
export async function press(person, testId, within = '') {
  const selector = `${within} ${byTestId(testId)}`.trim();
  await person.page.waitForSelector(selector, { visible: true, timeout: PATIENCE_MS });
  await person.page.click(selector);
}

/** Opens a panel that is not open: `chat` or `people`. */
export async function open(person, panel) {
  const button = byTestId(`toggle-${panel}`);
  await person.page.waitForSelector(button, { visible: true, timeout: PATIENCE_MS });
  if ((await person.page.$eval(button, (element) => element.dataset.state)) === 'closed') await person.page.click(button);
  const content = panel === 'chat' ? 'chat' : 'search-people';
  await person.page.waitForSelector(byTestId(content), { visible: true, timeout: PATIENCE_MS });
}

/** Types without sending. */
export async function type(person, text) {
  await open(person, 'chat');
  await person.page.focus(byTestId('chat-text'));
  await person.page.keyboard.type(text);
}

/** Writes a line and sends it. */
export async function write(person, text) {
  await type(person, text);
  await person.page.keyboard.press('Enter');
}

/** What is being written. */
export const draft = (person) => person.page.$eval(byTestId('chat-text'), (field) => field.value);

/** The lines of the chat that stand among the others. */
export const lines = (person) =>
  person.page.$$eval(byTestId('line'), (all) => all.map((line) => ({
    text: line.querySelector('p').textContent,
    own: line.dataset.own === 'true',
    private: line.dataset.private === 'true',
  })));

/** Waits until the chat says exactly this; it has to be open. */
export async function reads(person, expected, timeoutMs = PATIENCE_MS) {
  let shown = [];
  try {
    await until('', async () => {
      shown = (await lines(person)).map((line) => line.text);
      return JSON.stringify(shown) === JSON.stringify(expected);
    }, timeoutMs);
  } catch {
    throw new Error(`${person.name} reads ${JSON.stringify(shown)}, not ${JSON.stringify(expected)}`);
  }
}

/** The list of people, from the top; it has to be open. */
export const people = (person) =>
  person.page.$$eval(byTestId('person'), (rows) => rows.map((row) => ({
    peer: row.dataset.peer,
    name: row.querySelector('.person-name > span').textContent,
    note: row.querySelector('.person-note').textContent,
    hand: row.dataset.hand ? Number(row.dataset.hand) : null,
  })));

/** Waits for a row of the list: its selector. */
export async function row(person, name) {
  await open(person, 'people');
  const found = await eventually(`${person.name} finds ${name} in the list`, async () =>
    (await people(person)).find((other) => other.name === name));
  return `${byTestId('person')}[data-peer="${found.peer}"]`;
}

/** Opens the menu of somebody; gives what can be chosen there. */
export async function menuOf(person, name) {
  const selector = await row(person, name);
  const button = `${selector} ${byTestId('person-menu')}`;
  await person.page.waitForSelector(button, { visible: true, timeout: PATIENCE_MS });
  if ((await person.page.$eval(button, (element) => element.ariaExpanded)) !== 'true') await person.page.click(button);
  await person.page.waitForSelector(`${selector} .person-action`, { visible: true, timeout: PATIENCE_MS });
  return person.page.$$eval(`${selector} .person-action`, (all) => all.map((action) => action.dataset.testid));
}

/** Chooses something in the menu of somebody, once it is offered. */
export async function choose(person, name, action) {
  await eventually(`${person.name} may ${action} ${name}`, async () => (await menuOf(person, name)).includes(action));
  await press(person, action, await row(person, name));
}

/** Switches a rule of the meeting. */
export async function setRule(host, rule, on) {
  await showRules(host);
  const selector = byTestId(rule);
  await host.page.waitForSelector(selector, { visible: true, timeout: PATIENCE_MS });
  if ((await host.page.$eval(selector, (field) => field.checked)) !== on) await host.page.click(selector);
}

/** Unfolds what hosts set. */
export async function showRules(host) {
  await open(host, 'people');
  await host.page.waitForSelector(byTestId('host-controls'), { visible: true, timeout: PATIENCE_MS });
  const isOpen = await host.page.$eval(byTestId('host-controls'), (summary) => summary.parentElement.open);
  if (!isOpen) await host.page.click(byTestId('host-controls'));
}

/** Waits until nothing is heard any more: over a stretch of time, no energy arrives. */
export async function hearsNothing(person) {
  await eventually(`${person.name} hears nothing`, async () => {
    const start = (await person.received()).audioEnergy;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return (await person.received()).audioEnergy - start < 1e-4;
  });
}
