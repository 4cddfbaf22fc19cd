// The stage with several people: pages, layouts, pinning, the own tile, and that only what is shown is received.

import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server } from './harness/server.mjs';
import { launch } from './harness/browsers.mjs';
import { Participant } from './harness/participant.mjs';
import { client } from './harness/protocol_page.mjs';
import { until } from './harness/until.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

/** One row of three tiles, and a line for the pages. */
const ONE_ROW = { width: 500, height: 250 };

/** What the stage shows: the shape, and each tile's person and role. */
const stage = (person) => person.page.evaluate(() => {
  const tiles = [...document.querySelectorAll('[data-testid="tiles"] > li')];
  return {
    shape: document.querySelector('[data-testid="tiles"]')?.dataset.shape,
    peers: tiles.map((tile) => tile.dataset.peer),
    featured: tiles.filter((tile) => tile.dataset.role === 'featured').map((tile) => tile.dataset.peer)[0],
    self: tiles.find((tile) => tile.dataset.self === 'true')?.dataset.role,
  };
});

/** The lines of the pictures that are received at the moment, by whose tile shows them; `elsewhere` counts those of no tile. */
async function receiving(person) {
  const before = await person.received();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const now = await person.received();
  const slots = await person.page.$$eval('[data-testid="tiles"] > li[data-slot]', (tiles) =>
    Object.fromEntries(tiles.map((tile) => [tile.dataset.slot, tile.dataset.peer])));
  const flowing = now.videos.filter(({ mid, frames }) => frames > (before.videos.find((other) => other.mid === mid)?.frames ?? 0));
  const found = { elsewhere: flowing.filter(({ mid }) => !(mid in slots)).length };
  for (const { mid, height } of flowing) if (mid in slots) found[slots[mid]] = height;
  return found;
}

async function chooseLayout(person, name) {
  await person.click('layout');
  await person.page.click(byTestId(`layout-${name}`));
  await person.page.keyboard.press('Escape');
  await until('the menu is closed', async () => !(await person.page.$(byTestId('layout-menu'))));
}

async function openTileMenu(person, peer) {
  const tile = `${byTestId('tile')}[data-peer="${peer}"]`;
  await person.page.hover(tile);
  await person.page.click(`${tile} ${byTestId('tile-menu')}`);
  await person.page.waitForSelector(byTestId('open-tile-menu'));
}

async function togglePin(person, peer) {
  await openTileMenu(person, peer);
  await person.page.click(byTestId('pin'));
}

/** How much of a tile looks as its picture does: the share of a grid of patches whose colours agree, the edges left out, where names and
    buttons lie. */
async function pictureShown(person, peer) {
  const tile = await person.page.$(`${byTestId('tile')}[data-peer="${peer}"]`);
  const screenshot = await tile.screenshot({ encoding: 'base64' });
  return tile.evaluate(async (element, png) => {
    const seen = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0))]));
    const video = element.querySelector('video');
    const draw = (paint) => {
      const canvas = new OffscreenCanvas(seen.width, seen.height);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      paint(context);
      return context.getImageData(0, 0, seen.width, seen.height).data;
    };
    const shown = draw((context) => context.drawImage(seen, 0, 0));
    const scales = [seen.width / video.videoWidth, seen.height / video.videoHeight];
    const scale = getComputedStyle(video).objectFit === 'contain' ? Math.min(...scales) : Math.max(...scales);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    const decoded = draw((context) => context.drawImage(video, (seen.width - width) / 2, (seen.height - height) / 2, width, height));
    const PATCH = 8;
    const patch = (pixels, left, top) => [0, 1, 2].map((channel) => {
      let sum = 0;
      for (let row = 0; row < PATCH; row += 1) {
        for (let column = 0; column < PATCH; column += 1) sum += pixels[4 * ((top + row) * seen.width + left + column) + channel];
      }
      return sum / (PATCH * PATCH);
    });
    let [same, all] = [0, 0];
    for (let top = Math.floor(seen.height / 4); top < (3 * seen.height) / 4 - PATCH; top += PATCH) {
      for (let left = Math.floor(seen.width / 4); left < (3 * seen.width) / 4 - PATCH; left += PATCH) {
        const [one, other] = [patch(shown, left, top), patch(decoded, left, top)];
        all += 1;
        if (one.every((value, channel) => Math.abs(value - other[channel]) < 32)) same += 1;
      }
    }
    const box = element.getBoundingClientRect();
    const stack = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return { share: same / all, patches: all, top: stack[0]?.tagName, isIn: element.contains(stack[0]) };
  }, screenshot);
}

describe('the stage', { timeout: 600_000 }, () => {
  let server;
  let chromium;
  let firefox;
  let room;
  let link;
  let ada;
  /** Four quiet people: the first with a camera of three sizes, the others with small ones. */
  let others = [];

  before(async () => {
    server = await Server.start();
    chromium = await launch.chromium();
    ({ room, link } = await server.createRoom());
    for (const [name, width, height] of [['Bob', 1280, 720], ['Cleo', 320, 180], ['Dan', 320, 180], ['Eve', 320, 180]]) {
      const other = await client(chromium, server, room, name, { width, height, videoSlots: 0 });
      await speak(other, false);
      others.push(other);
    }
    ada = await Participant.join(chromium, link, 'Ada');
    await ada.seesPeople(5);
  }, { timeout: 180_000 });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
  });

  const speak = (other, aloud) => other.run((enabled) => {
    window.client.stream.getAudioTracks()[0].enabled = enabled;
  }, aloud);

  test('what has no room is on another page, and of people there nothing is received', async () => {
    const [bob, cleo, dan, eve] = others.map((other) => other.peer);
    await ada.page.setViewport(ONE_ROW);
    await until('there are two pages', async () => (await ada.page.$eval(byTestId('page'), (page) => page.textContent).catch(() => '')) === '1 of 2');
    const own = await ada.ownPeer();
    assert.deepEqual((await stage(ada)).peers.toSorted(), [bob, cleo, own].toSorted());
    const flows = async (peers) => {
      const { elsewhere, ...now } = await receiving(ada);
      return elsewhere === 0 && Object.keys(now).sort().join() === peers.toSorted().join();
    };
    await until('only the first page is received', () => flows([bob, cleo]), 30_000);
    await ada.click('next-page');
    await until('only the second page is received', () => flows([dan, eve]), 30_000);
    assert.deepEqual((await stage(ada)).peers.toSorted(), [dan, eve].toSorted());
    await ada.page.keyboard.press('PageUp');
    await until('the first page is back', async () => (await stage(ada)).peers.includes(own));
  });

  test('who speaks comes onto the page in the place of somebody silent, and stays', async () => {
    const eve = others[3];
    const before = (await stage(ada)).peers;
    await speak(eve, true);
    await until('Eve is on the page', async () => (await stage(ada)).peers.includes(eve.peer), 20_000);
    const now = (await stage(ada)).peers;
    assert.equal(now.filter((peer) => before.includes(peer)).length, before.length - 1, `${before} → ${now}`);
    await speak(eve, false);
    await until('Eve is silent', () => ada.page.$eval(`[data-peer="${eve.peer}"]`, (tile) => tile.dataset.speaking === 'false'), 20_000);
    assert.ok((await stage(ada)).peers.includes(eve.peer));
    await ada.page.setViewport({ width: 1280, height: 800 });
    await ada.seesPeople(5);
  });

  test('a tile shows the colours of its picture: nothing lies over it', async () => {
    const [bob] = others.map((other) => other.peer);
    await until('the picture of Bob is decoded', () => ada.page.$eval(`${byTestId('tile')}[data-peer="${bob}"] video`, (video) => video.videoWidth > 0));
    await ada.page.mouse.move(0, 0);
    let shown;
    await until('the tile looks as its picture', async () => {
      shown = await pictureShown(ada, bob);
      // What moves may have moved on between screenshot and frame.
      return shown.share > 0.8;
    }, 30_000).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(shown)}`));
    assert.ok(shown.patches > 100, `${shown.patches} patches`);
    assert.deepEqual([shown.top, shown.isIn], ['VIDEO', true]);
    // The measure sees a layer that the pointer goes through.
    const layer = await ada.page.addStyleTag({ content: '.tile-signs { background: rgb(20 20 20 / 90%); }' });
    assert.ok((await pictureShown(ada, bob)).share < 0.5);
    await layer.evaluate((element) => element.remove());
  });

  test('the speaker is shown alone, or with the others beside them', async () => {
    const dan = others[2];
    await chooseLayout(ada, 'speaker');
    await speak(dan, true);
    await until('Dan is large', async () => (await stage(ada)).featured === dan.peer, 20_000);
    const alone = await stage(ada);
    assert.deepEqual([alone.shape, alone.peers.length, alone.self], ['speaker', 2, 'floating']);
    await speak(dan, false);
    await chooseLayout(ada, 'sidebar');
    await until('all are there', async () => (await stage(ada)).peers.length === 5);
    const beside = await stage(ada);
    assert.deepEqual([beside.shape, beside.featured, beside.self], ['sidebar', dan.peer, 'strip']);
    await chooseLayout(ada, 'auto');
    await until('it is a grid', async () => (await stage(ada)).shape === 'grid');
  });

  test('who is pinned is large and received large, and small tiles are received small', async () => {
    const [bob, cleo] = others.map((other) => other.peer);
    await togglePin(ada, cleo);
    await until('Cleo is large', async () => (await stage(ada)).featured === cleo);
    await until('Bob is received in the smallest size', async () => {
      const now = await receiving(ada);
      return now[bob] > 0 && now[bob] <= 180 && now.elsewhere === 0;
    }, 30_000);
    await togglePin(ada, bob);
    await until('Bob is large', async () => (await stage(ada)).featured === bob);
    await until('Bob is received in the largest size', async () => (await receiving(ada))[bob] === 720, 40_000);
    await togglePin(ada, bob);
    await until('it is a grid again', async () => (await stage(ada)).shape === 'grid');
  });

  test('the own tile can be hidden, and is remembered to be', async () => {
    await openTileMenu(ada, await ada.ownPeer());
    await ada.page.keyboard.press('Tab');
    await ada.page.keyboard.press('Enter');
    await ada.seesPeople(4);
    assert.equal((await stage(ada)).self, undefined);
    await ada.page.reload({ waitUntil: 'domcontentloaded' });
    await ada.inMeeting();
    await ada.seesPeople(4);
    await ada.click('layout');
    await ada.click('hide-own-tile');
    await ada.page.keyboard.press('Escape');
    await ada.seesPeople(5);
  });

  test('behind another tab nothing is received, and everything comes back', async () => {
    await until('four are received', async () => Object.keys(await receiving(ada)).length === 5, 30_000);
    const other = await ada.page.browserContext().newPage();
    await other.bringToFront();
    await until('nobody looks at the page', () => ada.page.evaluate(() => document.hidden));
    await until('nothing is received', async () => {
      const { elsewhere, ...now } = await receiving(ada);
      return elsewhere === 0 && Object.keys(now).length === 0;
    }, 30_000);
    await other.close();
    await ada.page.bringToFront();
    await until('four are received again', async () => Object.keys(await receiving(ada)).length === 5, 30_000);
  });

  test('a small window over all others shows who speaks', async (context) => {
    if (!(await ada.page.evaluate(() => 'documentPictureInPicture' in window))) {
      assert.equal(await ada.page.$(byTestId('float')), null);
      return context.skip('this browser has no such windows');
    }
    await ada.click('layout');
    await ada.click('float');
    const shown = () => ada.page.evaluate(() => {
      const tiles = [...window.documentPictureInPicture.window?.document.querySelectorAll('[data-testid="tile"]') ?? []];
      return { tiles: tiles.length, width: tiles[0]?.querySelector('video')?.videoWidth ?? 0 };
    });
    await until('it shows a picture', async () => {
      const now = await shown();
      return now.tiles === 2 && now.width > 0;
    }, 20_000);
    await ada.page.evaluate(() => window.documentPictureInPicture.window.document.querySelector('[data-testid="toggle-camera"]').click());
    await until('its buttons work', async () => (await ada.page.$eval(byTestId('toggle-camera'), (button) => button.dataset.state)) === 'off');
    await ada.click('toggle-camera');
    await ada.page.keyboard.press('i');
    await until('it is closed', () => ada.page.evaluate(() => !window.documentPictureInPicture.window));
  });

  test('in Firefox, too, people are pinned and on pages, and only what is shown is received', async () => {
    firefox = await launch.firefox();
    const [bob, cleo] = others.map((other) => other.peer);
    const finn = await Participant.join(firefox, link, 'Finn', ONE_ROW);
    await until('there are two pages', async () => (await finn.page.$eval(byTestId('page'), (page) => page.textContent).catch(() => '')) === '1 of 2');
    await until('two are received', async () => Object.keys(await receiving(finn)).length === 3, 30_000);
    await finn.page.setViewport({ width: 1280, height: 800 });
    await finn.seesPeople(6);
    await togglePin(finn, cleo);
    await until('Cleo is large', async () => (await stage(finn)).featured === cleo);
    await until('Bob is received in the smallest size', async () => {
      const now = await receiving(finn);
      return now[bob] > 0 && now[bob] <= 180;
    }, 30_000);
    assert.deepEqual(finn.page.errors, []);
    await finn.close();
  });

  test('nothing went wrong on the way', () => {
    assert.deepEqual(ada.page.errors, []);
  });
});
