// Devices come and go during a call, and somebody who speaks while muted is told.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from '../browser/harness/server.mjs';
import { launch } from '../browser/harness/browsers.mjs';
import { Participant } from '../browser/harness/participant.mjs';
import { until } from '../browser/harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;
const toasts = (person) => person.page.$$eval(byTestId('toast'), (all) => all.map((toast) => toast.textContent));
const tells = (person, words) =>
  until(`${person.name} is told “${words}”`, async () => (await toasts(person)).some((toast) => toast.includes(words)), 20_000);

/**
 * For `freshPage`: the devices of the machine and those that `window.plug` adds and `window.unplug` takes away. A microphone that
 * was added is one of the machine under another name; `window.asked` collects what was asked for, `window.sinks` the speakers.
 */
const DEVICES = { run: standIn, with: [] };

function standIn() {
  const devices = navigator.mediaDevices;
  // An empty page has none.
  if (!devices) return;
  Object.assign(window, { added: [], asked: [], given: new Map(), sinks: [] });
  const list = devices.enumerateDevices.bind(devices);
  const take = devices.getUserMedia.bind(devices);
  devices.enumerateDevices = async () => [...await list(), ...window.added];
  devices.getUserMedia = async (constraints) => {
    const id = constraints.audio?.deviceId;
    window.asked.push(id ?? null);
    const added = window.added.find((device) => device.deviceId === id && device.kind === 'audioinput');
    const stream = await take(added ? { ...constraints, audio: true } : constraints);
    const [track] = stream.getAudioTracks();
    if (added) {
      const settings = track.getSettings.bind(track);
      track.getSettings = () => ({ ...settings(), deviceId: id });
      Object.defineProperty(track, 'label', { value: added.label });
      window.given.set(id, track);
    }
    return stream;
  };
  HTMLMediaElement.prototype.setSinkId = async function setSinkId(id) { window.sinks.push(id); };
  const changed = () => devices.dispatchEvent(new Event('devicechange'));
  window.plug = (parts) => {
    const [of] = window.listed ?? [];
    window.added.push(...parts.map((part) => Object.setPrototypeOf(part, of ?? MediaDeviceInfo.prototype)));
    changed();
  };
  window.unplug = () => {
    const ids = window.added.map((device) => device.deviceId);
    window.added = [];
    changed();
    for (const id of ids) {
      const track = window.given.get(id);
      track?.stop();
      track?.dispatchEvent(new Event('ended'));
    }
  };
}

const HEADSET = [
  { kind: 'audioinput', deviceId: 'headset-in', label: 'Headset microphone', groupId: 'headset' },
  { kind: 'audiooutput', deviceId: 'headset-out', label: 'Headset speaker', groupId: 'headset' },
];

describe('devices in a call', { timeout: 600_000 }, () => {
  let server;
  let chromium;
  let ada;
  let bob;

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
    const { link } = await server.createRoom();
    ada = await Participant.join(chromium, link, 'Ada', { before: DEVICES });
    bob = await Participant.join(chromium, link, 'Bob');
  }, { timeout: 120_000 });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('a headset that is plugged in is offered, and used with one click', async () => {
    await bob.seesAndHears(1);
    await ada.page.evaluate((parts) => window.plug(parts.map((part) => Object.defineProperties({}, Object.fromEntries(
      Object.entries(part).map(([name, value]) => [name, { value }]))))), HEADSET);
    await tells(ada, 'Headset microphone is plugged in');
    await ada.click('toast-action');
    await until('its microphone is taken', () => ada.page.evaluate(() => window.asked.includes('headset-in')));
    await until('its speaker is used', () => ada.page.evaluate(() => window.sinks.at(-1) === 'headset-out'));
    await until('the offer is gone', async () => !(await toasts(ada)).some((toast) => toast.includes('Headset')));
    await bob.seesAndHears(1);
  });

  test('when it is pulled out, the call goes on with the other devices, and that is told', async () => {
    await ada.page.evaluate(() => window.unplug());
    await tells(ada, 'Headset microphone is gone');
    await until('the system’s speaker is used', () => ada.page.evaluate(() => window.sinks.at(-1) === ''));
    assert.equal(await ada.page.$eval(byTestId('toggle-microphone'), (button) => button.dataset.state), 'on');
    await bob.seesAndHears(1);
  });

  test('who speaks while muted is told, and heard after one click', async () => {
    // The machine's microphone beeps too shortly to be somebody who speaks.
    await bob.close();
    const speaking = { run: speakAlways, with: [] };
    const { link } = await server.createRoom();
    const cleo = await Participant.join(chromium, link, 'Cleo', { before: speaking });
    await cleo.click('toggle-microphone');
    await tells(cleo, 'You are muted');
    await cleo.click('toast-action');
    await until('the microphone is on', () => cleo.page.$eval(byTestId('toggle-microphone'), (button) => button.dataset.state === 'on'));
    await until('nothing is told any more', async () => !(await toasts(cleo)).some((toast) => toast.includes('muted')));
    assert.deepEqual([ada.page.errors, cleo.page.errors], [[], []]);
    await Promise.all([ada.close(), cleo.close()]);
  });
});

/** The microphone is a tone that never ends. */
function speakAlways() {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const take = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    if (!constraints.audio) return take(constraints);
    const stream = constraints.video ? await take({ video: constraints.video }) : new MediaStream();
    const context = new AudioContext();
    const [tone, destination] = [context.createOscillator(), context.createMediaStreamDestination()];
    tone.connect(destination);
    tone.start();
    stream.addTrack(destination.stream.getAudioTracks()[0]);
    return stream;
  };
}
