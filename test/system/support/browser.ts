import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const named = process.env.CARRIERARR_CHROMIUM;
const path = (named === undefined ? ['/usr/bin/chromium', '/usr/bin/chromium-browser'] : [named]).find(isExecutable);

/** Why there is no browser. */
export const browserObstacle: string | undefined =
  path === undefined ? 'no Chromium at /usr/bin/chromium and none named by CARRIERARR_CHROMIUM' : undefined;

const QUIET = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  // Chromium's own sandbox refuses to be started by root, as whom CI runs.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/** A page that keeps a record of what no page of ours may do. */
export interface WatchedPage {
  readonly page: Page;
  /** Requests to other hosts, breaches of the content security policy, errors of scripts. */
  readonly offences: readonly string[];
}

const watch = (page: Page, origin: string): WatchedPage => {
  const offences: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) offences.push(`request to ${request.url()}`);
  });
  page.on('pageerror', (error) => offences.push(`error ${error.message}`));
  page.on('dialog', (dialog) => {
    offences.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A server that restarts refuses connections for a moment, and the browser says so.
    if (message.type() === 'error' && !/net::ERR_/.test(message.text())) offences.push(`console ${message.text()}`);
  });
  return { page, offences };
};

export interface TestBrowser {
  /** Opens an address in a context of its own, with nothing left from any other. */
  open(url: string, options?: BrowserContextOptions): Promise<WatchedPage>;
  close(): Promise<void>;
}

export const startBrowser = async (): Promise<TestBrowser> => {
  const profile = mkdtempSync(join(tmpdir(), 'carrierarr-browser-'));
  const browser = await chromium.launch({
    executablePath: path ?? '',
    args: QUIET,
    env: { ...process.env, HOME: profile },
  });
  const contexts: BrowserContext[] = [];
  return {
    open: async (url, options = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      const watched = watch(await context.newPage(), new URL(url).origin);
      watched.page.setDefaultTimeout(15_000);
      await watched.page.goto(url);
      return watched;
    },
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
};
