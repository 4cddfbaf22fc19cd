// Chromium and Firefox with fake cameras and microphones.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream=fps=20',
  '--autoplay-policy=no-user-gesture-required',
  // On a machine without any network there is only the loopback interface.
  '--allow-loopback-in-peer-connection',
];

const FIREFOX_PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
};

export const chromiumProgram = () => process.env.VISAVIS_CHROMIUM ?? '/usr/bin/chromium';

/** `program` may start Chromium elsewhere, in another network for instance: we talk to it over pipes then. */
export async function launchChromium(extraFlags = [], program = undefined) {
  return puppeteer.launch({
    browser: 'chrome',
    executablePath: program ?? chromiumProgram(),
    pipe: program !== undefined,
    headless: true,
    args: [...CHROMIUM_FLAGS, ...extraFlags],
    protocolTimeout: 60_000,
  });
}

/** `environment` adds to the variables of the machine, `options` to those of the launch. */
export async function launchFirefox(preferences = {}, environment = {}, options = {}) {
  return puppeteer.launch({
    ...options,
    browser: 'firefox',
    env: { ...process.env, ...environment },
    executablePath: process.env.VISAVIS_FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: { ...FIREFOX_PREFERENCES, ...preferences },
    protocolTimeout: 60_000,
  });
}

/** Chromium that lets no site keep anything: storage throws instead. `close` ends it and takes its profile away. */
export async function launchBlockedChromium() {
  const profile = await mkdtemp(join(tmpdir(), 'visavis-profile-'));
  await mkdir(join(profile, 'Default'));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const browser = await puppeteer.launch({
    browser: 'chrome',
    executablePath: chromiumProgram(),
    headless: true,
    args: CHROMIUM_FLAGS,
    userDataDir: profile,
    protocolTimeout: 60_000,
  });
  const close = async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { browser, close };
}

/** Chromium that nobody has allowed the camera: it hides its addresses behind `.local` names (mDNS). */
export async function launchHiddenChromium() {
  const flags = CHROMIUM_FLAGS.filter((flag) => !flag.startsWith('--use-fake-ui'));
  return puppeteer.launch({
    browser: 'chrome',
    executablePath: process.env.VISAVIS_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: flags,
    protocolTimeout: 60_000,
  });
}

/** Firefox that hides its addresses in the same way. */
export async function launchHiddenFirefox() {
  return launchFirefox({ 'media.peerconnection.ice.obfuscate_host_addresses': true, 'media.navigator.permission.disabled': false });
}

export const launch = { chromium: launchChromium, firefox: launchFirefox };

/** A page in a context of its own: nothing is shared with other pages. */
export async function freshPage(browser, { width = 1280, height = 800, before, watching } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  // What runs in the page before its own scripts.
  if (before) await page.evaluateOnNewDocument(before.run, ...before.with);
  watching?.(page);
  return page;
}

