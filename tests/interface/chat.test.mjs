// The chat, reactions and raised hands, through the product's own page and the real server.

import { test, describe, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { PATIENCE_MS, draft, eventually, lines, open, people, press, reads, row, type, write } from '../browser/harness/talk.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

/** The number on the button of the chat; null without one. */
const unread = (person) => person.page.$eval(byTestId('unread'), (mark) => Number(mark.textContent)).catch(() => null);

// Nobody is looked at here: without pictures there is less to do for a machine that runs three browsers.
const unseen = { camera: false };

describe('what is written and shown in a meeting', { timeout: 600_000 }, () => {
  let server;
  let chromium;
  let firefox;

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
    firefox = await launch.firefox();
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
  });

  /** Everybody leaves, whatever became of the test. */
  afterEach(async () => {
    const contexts = [chromium, firefox].flatMap((browser) => browser.browserContexts());
    await Promise.all(contexts.filter((context) => context.id).map((context) => context.close()));
  });

  const meet = async (...names) => {
    const { link } = await server.createRoom();
    const all = [];
    for (const name of names) all.push(await Participant.join(chromium, link, name, unseen));
    await Promise.all(all.map((person) => person.seesPeople(names.length)));
    return { link, all };
  };

  test('what two people write is read by both, marked until it is read, and told to who comes later', async () => {
    const { link, all: [ada, bob] } = await meet('Ada', 'Bob');
    await write(ada, 'Good morning');
    await eventually('Bob has one unread line', async () => (await unread(bob)) === 1);
    await write(ada, 'Is this thing on?');
    await eventually('Bob has two unread lines', async () => (await unread(bob)) === 2);
    await open(bob, 'chat');
    await reads(bob, ['Good morning', 'Is this thing on?']);
    await eventually('nothing is unread any more', async () => (await unread(bob)) === null);
    await write(bob, 'It is');
    const said = ['Good morning', 'Is this thing on?', 'It is'];
    await Promise.all([reads(ada, said), reads(bob, said)]);
    assert.deepEqual((await lines(ada)).map((line) => line.own), [true, true, false]);
    const cleo = await Participant.join(chromium, link, 'Cleo', unseen);
    await eventually('Cleo has three unread lines', async () => (await unread(cleo)) === 3);
    await open(cleo, 'chat');
    await reads(cleo, said);
    assert.deepEqual([ada, bob, cleo].map((person) => person.page.errors), [[], [], []]);
  });

  test('a private line reaches the one it is for, and nobody else', async () => {
    const { all: [ada, bob, cleo] } = await meet('Ada', 'Bob', 'Cleo');
    for (const person of [ada, bob, cleo]) await open(person, 'chat');
    await ada.page.select(byTestId('chat-recipient'), await bob.ownPeer());
    await write(ada, 'for you alone');
    await reads(ada, ['for you alone']);
    await reads(bob, ['for you alone']);
    // What comes after it for everybody shows that it was not merely late.
    await ada.page.select(byTestId('chat-recipient'), '');
    await write(ada, 'for everybody');
    await reads(cleo, ['for everybody']);
    await Promise.all([ada, bob].map((person) => reads(person, ['for you alone', 'for everybody'])));
    for (const person of [ada, bob]) {
      assert.deepEqual((await lines(person)).map((line) => line.private), [true, false]);
    }
  });

  test('an address becomes a link, and markup is text', async () => {
    const { all: [ada, bob] } = await meet('Ada', 'Bob');
    await open(bob, 'chat');
    const markup = '<img src=x onerror="window.broken = true"><b>bold</b>';
    await write(ada, 'see https://example.org/a?b=c, please');
    await write(ada, markup);
    await reads(bob, ['see https://example.org/a?b=c, please', markup]);
    const links = await bob.page.$$eval(`${byTestId('line')} a`, (all) =>
      all.map((link) => ({ href: link.href, rel: link.rel, target: link.target })));
    assert.deepEqual(links, [
      { href: 'https://example.org/a?b=c', rel: 'noopener noreferrer nofollow', target: '_blank' },
    ]);
    assert.equal(await bob.page.$(`${byTestId('line')} img, ${byTestId('line')} b`), null);
    assert.equal(await bob.page.evaluate(() => window.broken), undefined);
  });

  test('what is being written survives the panel and a reload', async () => {
    const { all: [ada] } = await meet('Ada');
    await type(ada, 'half a sen');
    await press(ada, 'toggle-chat');
    await eventually('the chat is closed', async () => (await ada.page.$(byTestId('chat'))) === null);
    await open(ada, 'chat');
    assert.equal(await draft(ada), 'half a sen');
    await ada.page.reload({ waitUntil: 'domcontentloaded' });
    await ada.inState('connected');
    await open(ada, 'chat');
    assert.equal(await draft(ada), 'half a sen');
    await type(ada, 'tence');
    await ada.page.keyboard.press('Enter');
    await reads(ada, ['half a sentence']);
    await eventually('the field is empty', async () => (await draft(ada)) === '');
  });

  test('a line typed while the server restarts arrives once', async () => {
    const { all: [ada, bob] } = await meet('Ada', 'Bob');
    await write(ada, 'before');
    await open(bob, 'chat');
    await reads(bob, ['before']);
    const restarted = server.restart();
    await eventually('Ada has noticed', async () =>
      (await ada.page.$eval(byTestId('meeting'), (meeting) => meeting.dataset.state)) !== 'connected');
    await write(ada, 'meanwhile');
    await restarted;
    await Promise.all([ada.inState('connected', PATIENCE_MS), bob.inState('connected', PATIENCE_MS)]);
    // A second copy of the line would come before the one that is written now.
    await eventually('the line has arrived', async () => (await lines(bob)).some((line) => line.text === 'meanwhile'));
    await write(ada, 'after');
    await eventually('the last line has arrived', async () => (await lines(bob)).at(-1).text === 'after');
    for (const person of [ada, bob]) {
      const said = (await lines(person)).map((line) => line.text);
      assert.equal(said.filter((text) => text === 'meanwhile').length, 1, `${person.name} reads ${said}`);
    }
    assert.equal(await ada.page.$(byTestId('own-line')), null);
  });

  test('a reaction floats over the tile of who sent it, and hands stand in the order they were raised', async () => {
    const { all: [ada, bob, cleo] } = await meet('Ada', 'Bob', 'Cleo');
    const tile = `${byTestId('tile')}[data-peer="${await bob.ownPeer()}"]`;
    const floats = ada.page.waitForSelector(`${tile} ${byTestId('floating-sign')}`, { timeout: PATIENCE_MS });
    await press(bob, 'reactions');
    await press(bob, 'reaction');
    await floats;
    await bob.page.keyboard.press('Escape');
    await eventually('it is said who reacted', () =>
      ada.page.$eval(byTestId('reactions-spoken'), (said) => said.textContent.includes('Bob')));
    await press(cleo, 'toggle-hand');
    await row(ada, 'Cleo');
    await eventually('Ada sees the hand of Cleo', async () =>
      (await people(ada)).some((person) => person.name === 'Cleo' && person.hand === 1));
    await press(bob, 'toggle-hand');
    const raised = async () => (await people(ada)).filter((person) => person.hand).map((person) => person.name);
    await eventually('Cleo is first and Bob second', async () => (await raised()).join() === 'Cleo,Bob');
    assert.deepEqual((await people(ada)).slice(0, 2).map((person) => person.hand), [1, 2]);
    await press(cleo, 'toggle-hand');
    await eventually('only Bob is left, as the first', async () =>
      (await people(ada)).filter((person) => person.hand).map((person) => `${person.name} ${person.hand}`).join() === 'Bob 1');
    assert.deepEqual([ada, bob, cleo].map((person) => person.page.errors), [[], [], []]);
  });

  test('Chromium and Firefox write to each other', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada', unseen);
    const finn = await Participant.join(firefox, link, 'Finn', unseen);
    await write(finn, 'Hyvää päivää');
    await eventually('Ada has an unread line', async () => (await unread(ada)) === 1);
    await write(ada, 'hello');
    await Promise.all([ada, finn].map((person) => reads(person, ['Hyvää päivää', 'hello'])));
    await press(finn, 'toggle-hand');
    await row(ada, 'Finn');
    await eventually('Ada sees the hand of Finn', async () => (await people(ada))[0].hand === 1);
    assert.deepEqual([ada.page.errors, finn.page.errors], [[], []]);
  });
});
