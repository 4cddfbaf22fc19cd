// People in a meeting, through the product's own page: they see and hear each other, and whatever happens is shown.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { until } from './harness/until.mjs';

describe('a meeting', { timeout: 600_000 }, () => {
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

  test('two people in Chromium see and hear each other', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const bob = await Participant.join(chromium, link, 'Bob');
    await Promise.all([ada.seesAndHears(1), bob.seesAndHears(1)]);
    assert.match((await ada.tiles()).find((tile) => !tile.self).text, /Bob/);
    assert.deepEqual([ada.page.errors, bob.page.errors], [[], []]);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('Chromium and Firefox see and hear each other', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const finn = await Participant.join(firefox, link, 'Finn');
    await Promise.all([ada.seesAndHears(1), finn.seesAndHears(1)]);
    assert.deepEqual([ada.page.errors, finn.page.errors], [[], []]);
    await Promise.all([ada.close(), finn.close()]);
  });

  test('a third person joins, is seen by both, and leaves without disturbing them', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const bob = await Participant.join(chromium, link, 'Bob');
    const cleo = await Participant.join(chromium, link, 'Cleo');
    await Promise.all([ada.seesAndHears(2), bob.seesAndHears(2), cleo.seesAndHears(2)]);
    await cleo.click('leave');
    await cleo.page.waitForSelector('[data-testid="ended"]');
    await Promise.all([ada.seesPeople(2), bob.seesPeople(2)]);
    await Promise.all([ada.seesAndHears(1), bob.seesAndHears(1)]);
    await Promise.all([ada.close(), bob.close(), cleo.close()]);
  });

  test('a muted microphone is shown to the others and nothing is heard any more', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const bob = await Participant.join(chromium, link, 'Bob');
    await bob.seesAndHears(1);
    await ada.click('toggle-microphone');
    await until('Bob sees that Ada is muted', async () => (await bob.tiles()).some((tile) => !tile.self && tile.muted));
    const silent = async () => {
      const start = (await bob.received()).audioEnergy;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return (await bob.received()).audioEnergy - start < 1e-4;
    };
    await until('nothing is heard', silent);
    await ada.click('toggle-microphone');
    await bob.seesAndHears(1);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('a camera that is switched off and on again disappears and comes back', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const bob = await Participant.join(chromium, link, 'Bob');
    await bob.seesAndHears(1);
    await ada.click('toggle-camera');
    await until('Ada has no picture at Bob', async () => {
      const tile = (await bob.tiles()).find((other) => !other.self);
      return tile && tile.width === 0;
    });
    await ada.click('toggle-camera');
    await bob.seesAndHears(1);
    await Promise.all([ada.close(), bob.close()]);
  });

  for (const name of ['chromium', 'firefox']) {
    test(`a reload in ${name} gives the same seat back, and the call goes on`, async () => {
      const browser = { chromium, firefox }[name];
      const { link } = await server.createRoom();
      const ada = await Participant.join(chromium, link, 'Ada');
      const bob = await Participant.join(browser, link, 'Bob');
      await Promise.all([ada.seesAndHears(1), bob.seesAndHears(1)]);
      const seat = await bob.ownPeer();
      await bob.page.reload({ waitUntil: 'domcontentloaded' });
      await bob.inMeeting();
      await until('Bob has his seat', async () => (await bob.ownPeer()) === seat);
      await Promise.all([ada.seesAndHears(1), bob.seesAndHears(1)]);
      await ada.seesPeople(2);
      await Promise.all([ada.close(), bob.close()]);
    });
  }

  test('when the server is restarted, both browsers come back by themselves', async () => {
    const { link } = await server.createRoom();
    const ada = await Participant.join(chromium, link, 'Ada');
    const finn = await Participant.join(firefox, link, 'Finn');
    await Promise.all([ada.seesAndHears(1), finn.seesAndHears(1)]);
    await server.restart();
    await Promise.all([ada.seesPeople(2, 30_000), finn.seesPeople(2, 30_000)]);
    await Promise.all([ada.seesAndHears(1, 40_000), finn.seesAndHears(1, 40_000)]);
    await Promise.all([ada.close(), finn.close()]);
  });

  test('somebody whose browser is killed is gone for the others within five seconds', async () => {
    const { link } = await server.createRoom();
    const victim = await launch.chromium();
    const ada = await Participant.join(chromium, link, 'Ada');
    await Participant.join(victim, link, 'Bob');
    await ada.seesAndHears(1);
    victim.process().kill('SIGKILL');
    // The bound is a promise of the product, counted from the kill; polling adds a little.
    await ada.seesPeople(1, 6_000);
    await ada.close();
  });
});
