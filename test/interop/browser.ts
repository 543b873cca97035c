import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const executablePath = process.env['GYRE_CHROMIUM'] ?? '/usr/bin/chromium';
const required = process.env['GYRE_REQUIRE_ALL'] === '1';

/** Why the tests cannot have a browser; false when they can. Where everything is required they run, and fail. */
export const browserMissing: string | false =
  existsSync(executablePath) || required ? false : `${executablePath} is not there (GYRE_CHROMIUM names another)`;

/** Chromium as Debian packages it, with a profile of its own and no errands of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** What axe finds wrong with the page as it is now: rule, help, and the first place. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.length} places, first ${nodes[0]?.html.slice(0, 200)}`);
}

/** A tab with everything that it complained of. */
export interface Tab {
  readonly page: Page;
  /** Errors and warnings of the console, failed requests, uncaught errors: taken out. */
  readonly complaints: () => readonly string[];
  /** Opens an address and waits until the page has what it asked for. */
  readonly open: (address: string) => Promise<void>;
}

export async function openTab(context: BrowserContext): Promise<Tab> {
  const page = await context.newPage();
  let heard: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') heard.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => heard.push(`uncaught: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) heard.push(`${response.status()} ${response.url()}`);
  });
  return {
    page,
    complaints: () => {
      const said = heard;
      heard = [];
      return said;
    },
    open: async (address) => {
      await page.goto(address);
      await settled(page);
    },
  };
}

/** The heading is there and nothing is on its way any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
}

/** How many pixels the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  const wider = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  assert.equal(typeof wider, 'number');
  return wider;
}
