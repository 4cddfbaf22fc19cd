// What hosts do, through the product's own page and the real server, and what becomes of everybody else.

import { test, describe, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { freshPage, launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { PATIENCE_MS, choose, eventually, hearsNothing, menuOf, open, people, press, row, setRule, showRules } from '../browser/harness/talk.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

const shows = async (person, testId) => (await person.page.$(byTestId(testId))) !== null;

// Nobody is looked at here: without pictures there is less to do for a machine that runs three browsers.
const unseen = { camera: false };

describe('a meeting with a host', { timeout: 600_000 }, () => {
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

  /** Lets somebody wait, and gives them back. */
  const knock = async (link, name) => {
    const person = await Participant.arrive(chromium, link, name, unseen);
    await person.page.waitForSelector(byTestId('knocking'), { timeout: PATIENCE_MS });
    return person;
  };

  for (const name of ['chromium', 'firefox']) {
    test(`in ${name}, who creates a meeting on the home page leads it, also after a reload, and nobody else does`, async () => {
      const ada = await Participant.create({ chromium, firefox }[name], server.url, 'Ada', unseen);
      const bob = await Participant.join(chromium, ada.link, 'Bob', unseen);
      const leads = async () => {
        await open(ada, 'people');
        await ada.page.waitForSelector(byTestId('host-controls'), { visible: true, timeout: PATIENCE_MS });
        assert.ok(await shows(ada, 'leave-more'));
      };
      await leads();
      await row(bob, 'Ada');
      const notes = async () => Object.fromEntries((await people(bob)).map((person) => [person.name, person.note]));
      await eventually('Bob sees who leads', async () => (await notes()).Ada === 'Host');
      assert.equal((await notes()).Bob, 'You');
      assert.deepEqual([await shows(bob, 'host-controls'), await shows(bob, 'leave-more')], [false, false]);
      assert.deepEqual(await menuOf(bob, 'Ada'), ['write-privately']);
      await ada.page.reload({ waitUntil: 'domcontentloaded' });
      await ada.inState('connected');
      await leads();
      assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
    });
  }

  test('who knocks waits until the host lets them in, or is told why not', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    await setRule(ada, 'rule-waiting-room', true);
    await press(ada, 'close-people');
    const bob = await knock(ada.link, 'Bob');
    // The host is told wherever they look.
    await press(ada, 'banner-admit');
    await Promise.all([ada.seesAndHears(0), bob.seesAndHears(0)]);
    const cleo = await knock(ada.link, 'Cleo');
    const dan = await knock(ada.link, 'Dan');
    await press(ada, 'show-waiting');
    await eventually('two people wait', async () => (await ada.page.$$(byTestId('waiter'))).length === 2);
    assert.ok(!(await shows(bob, 'knock-banner')), 'a guest is not asked');
    await press(ada, 'deny', `${byTestId('waiter')}:first-child`);
    await ada.page.waitForSelector(byTestId('deny-message'), { visible: true, timeout: PATIENCE_MS });
    await ada.page.type(byTestId('deny-message'), 'We begin at ten');
    await press(ada, 'confirm', byTestId('deny-question'));
    const end = await cleo.ended();
    assert.equal(end.state, 'denied');
    assert.match(end.sentence, /We begin at ten/);
    await eventually('one person waits', async () => (await ada.page.$$(byTestId('waiter'))).length === 1);
    await press(ada, 'admit', byTestId('waiter'));
    await dan.inState('connected');
    await ada.seesPeople(3);
    await eventually('nobody waits', async () => !(await shows(ada, 'waiting-list')));
    assert.deepEqual([ada, bob, cleo, dan].map((person) => person.page.errors), [[], [], [], []]);
  });

  test('a waiting room that is full is not taken for a full meeting', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    await setRule(ada, 'rule-waiting-room', true);
    const crowd = await freshPage(chromium);
    await crowd.goto(`${server.url}/`, { waitUntil: 'domcontentloaded' });
    // As many as may wait (`KNOCKS_MAX` of `shared::limits`); with their page, they go.
    await crowd.evaluate((room) => Promise.all(Array.from({ length: 100 }, (_, number) => new Promise((waits, fails) => {
      const socket = new WebSocket(`ws://${location.host}/ws`);
      socket.onopen = () => socket.send(JSON.stringify({
        type: 'hello', version: { major: 1, minor: 1 }, room, name: `Guest ${number}`, media: { microphone: false, camera: false },
      }));
      socket.onmessage = ({ data }) => (JSON.parse(data).type === 'waiting' ? waits() : fails(new Error(data)));
      socket.onclose = () => fails(new Error('closed'));
    }))), ada.link.split('/').at(-1));
    const bob = await Participant.arrive(chromium, ada.link, 'Bob', unseen);
    const end = await bob.ended();
    assert.equal(end.state, 'waiting-room-full');
    assert.match(end.sentence, /Try again in a few minutes/);
    await crowd.close();
    await eventually('nobody waits', async () => !(await shows(ada, 'waiting-list')));
    await press(bob, 'rejoin');
    await bob.fillLobby('Bob', unseen);
    await bob.page.waitForSelector(byTestId('knocking'), { timeout: PATIENCE_MS });
    assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
  });

  test('a passcode is asked for, and only the right one opens the meeting', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    await showRules(ada);
    await ada.page.waitForSelector(byTestId('set-passcode-field'), { visible: true, timeout: PATIENCE_MS });
    await ada.page.type(byTestId('set-passcode-field'), 'open sesame');
    await press(ada, 'set-passcode');
    await ada.page.waitForSelector(`${byTestId('passcode-note')}[data-state="true"]`, { timeout: PATIENCE_MS });
    const bob = await Participant.arrive(chromium, ada.link, 'Bob', unseen);
    const give = async (passcode) => {
      await bob.page.waitForSelector(byTestId('passcode'), { visible: true, timeout: PATIENCE_MS });
      await bob.page.$eval(byTestId('passcode'), (field) => field.select());
      await bob.page.type(byTestId('passcode'), passcode);
      await press(bob, 'give-passcode');
    };
    await give('open barley');
    await eventually('Bob is told that it is wrong', () =>
      bob.page.$eval(byTestId('passcode-message'), (message) => message.textContent !== '').catch(() => false));
    assert.equal((await ada.tiles()).length, 1);
    await give('open sesame');
    await bob.inState('connected');
    await Promise.all([ada.seesAndHears(0), bob.seesAndHears(0)]);
    await press(ada, 'remove-passcode');
    await ada.page.waitForSelector(`${byTestId('passcode-note')}[data-state="false"]`, { timeout: PATIENCE_MS });
    const cleo = await Participant.join(chromium, ada.link, 'Cleo', unseen);
    await cleo.inState('connected');
  });

  test('a host can mute, but only the person can unmute', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const bob = await Participant.join(chromium, ada.link, 'Bob', unseen);
    await Promise.all([ada.seesAndHears(0), bob.seesAndHears(0)]);
    await choose(ada, 'Bob', 'mute-person');
    await hearsNothing(ada);
    const microphone = () => bob.page.$eval(byTestId('toggle-microphone'), (button) => button.dataset.state);
    await eventually('the microphone of Bob is off', async () => (await microphone()) === 'off');
    await eventually('Ada can only ask', async () => {
      const offered = await menuOf(ada, 'Bob');
      return offered.includes('ask-to-unmute') && !offered.includes('mute-person');
    });
    await choose(ada, 'Bob', 'ask-to-unmute');
    await press(bob, 'stay-muted', byTestId('unmute-question'));
    assert.equal(await microphone(), 'off');
    await hearsNothing(ada);
    await choose(ada, 'Bob', 'ask-to-unmute');
    await press(bob, 'unmute', byTestId('unmute-question'));
    await ada.seesAndHears(0);
    assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
  });

  test('who is removed can come back, who is kept out cannot', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const bob = await Participant.join(chromium, ada.link, 'Bob', unseen);
    await ada.seesPeople(2);
    await choose(ada, 'Bob', 'remove-person');
    await press(ada, 'confirm', byTestId('remove-question'));
    assert.equal((await bob.ended()).state, 'removed');
    await ada.seesPeople(1);
    await press(bob, 'rejoin');
    await bob.fillLobby('Bob', unseen);
    await bob.inState('connected');
    await ada.seesPeople(2);
    await choose(ada, 'Bob', 'ban-person');
    await press(ada, 'confirm', byTestId('remove-question'));
    await eventually('Bob is out', async () => (await bob.ended()).state !== 'left');
    await bob.page.goto(ada.link, { waitUntil: 'domcontentloaded' });
    await bob.fillLobby('Robert', unseen);
    assert.equal((await bob.ended()).state, 'banned');
    assert.equal(await shows(bob, 'rejoin'), false);
    assert.equal((await ada.tiles()).length, 1);
  });

  test('nobody new comes into a locked meeting, and it can be ended for all', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const bob = await Participant.join(chromium, ada.link, 'Bob', unseen);
    await setRule(ada, 'rule-locked', true);
    await eventually('the meeting is locked', async () => {
      const cleo = await Participant.arrive(chromium, ada.link, 'Cleo', unseen);
      const end = await cleo.ended(10_000).catch(() => null);
      await cleo.close();
      return end?.state === 'locked';
    });
    await ada.seesPeople(2);
    await press(ada, 'leave-more');
    await press(ada, 'end-for-all');
    await press(ada, 'confirm', byTestId('end-question'));
    assert.equal((await bob.ended()).state, 'meeting-ended');
    assert.equal((await ada.ended()).state, 'meeting-ended');
  });

  test('rules that are switched at once all hold', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const rules = async () => {
      await showRules(ada);
      await ada.page.waitForSelector(byTestId('rule-locked'), { visible: true, timeout: PATIENCE_MS });
      return ada.page.$$eval('[data-testid^="rule-"]:checked', (all) => all.map((field) => field.dataset.testid));
    };
    assert.deepEqual(await rules(), ['rule-share', 'rule-chat', 'rule-unmute']);
    // Within one task: no answer of the server can come in between.
    await ada.page.evaluate(() => {
      for (const rule of ['rule-waiting-room', 'rule-chat', 'rule-share']) {
        document.querySelector(`[data-testid="${rule}"]`).click();
      }
    });
    assert.deepEqual(await rules(), ['rule-waiting-room', 'rule-unmute']);
    const bob = await knock(ada.link, 'Bob');
    await press(ada, 'admit', byTestId('waiter'));
    await bob.inState('connected');
    await ada.page.reload({ waitUntil: 'domcontentloaded' });
    await ada.inState('connected');
    await eventually('the server has them all', async () =>
      JSON.stringify(await rules()) === JSON.stringify(['rule-waiting-room', 'rule-unmute']));
    assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
  });

  test('a host makes somebody else a host, and lowers hands', async () => {
    const ada = await Participant.create(chromium, server.url, 'Ada', unseen);
    const bob = await Participant.join(chromium, ada.link, 'Bob', unseen);
    await press(bob, 'toggle-hand');
    await choose(ada, 'Bob', 'lower-hand-of');
    await eventually('the hand of Bob is down', () =>
      bob.page.$eval(byTestId('toggle-hand'), (button) => button.dataset.state === 'lowered'));
    await choose(ada, 'Bob', 'make-host');
    await open(bob, 'people');
    await bob.page.waitForSelector(byTestId('host-controls'), { visible: true, timeout: PATIENCE_MS });
    await choose(bob, 'Ada', 'make-guest');
    await eventually('Ada leads no longer', async () => !(await shows(ada, 'host-controls')));
  });
});
