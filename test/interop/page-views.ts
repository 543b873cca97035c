import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { axeFindings, openTab, overflow, type Tab } from './browser.ts';

export type Theme = 'light' | 'dark';

export interface PageViews {
  /** A tab of its own, for as long as some work takes. */
  readonly withTab: (theme: Theme, work: (tab: Tab) => Promise<void>, width?: number) => Promise<void>;
  /** Opens an address in both themes and on a narrow screen, and sees that it is whole and says these words. */
  readonly shows: (path: string, words: readonly (string | RegExp)[]) => Promise<void>;
  /** Sees that a page as it is now is whole: nothing for axe, no complaint, no wider than its window; keeps a picture where `GYRE_SHOTS` says. */
  readonly isWhole: (tab: Tab, name: string) => Promise<void>;
}

const heightPx = 900;
const usualPx = 1440;
const narrowPx = 360;

/** What tests of pages do again and again. */
export function pageViews(browser: () => Browser, server: () => { readonly address: string }): PageViews {
  const withTab: PageViews['withTab'] = async (theme, work, width = usualPx) => {
    const context = await browser().newContext({ viewport: { width, height: heightPx }, colorScheme: theme, reducedMotion: 'reduce' });
    try {
      await work(await openTab(context));
    } finally {
      await context.close();
    }
  };
  const isWhole: PageViews['isWhole'] = async ({ page, complaints }, name) => {
    assert.deepEqual(await axeFindings(page), [], name);
    assert.deepEqual(complaints(), [], name);
    const wider = await overflow(page);
    assert.ok(wider <= 0, `${name} is ${wider} px wider than its window`);
    await keepShot(page, name);
  };
  return {
    withTab,
    isWhole,
    shows: async (path, words) => {
      for (const [theme, width] of [
        ['light', usualPx],
        ['dark', usualPx],
        ['light', narrowPx],
      ] as const) {
        await withTab(
          theme,
          async (tab) => {
            await tab.open(`${server().address}${path}`);
            await says(tab.page, path, words);
            await isWhole(tab, `${path} ${width === usualPx ? theme : 'narrow'}`);
          },
          width,
        );
      }
    },
  };
}

async function says(page: Page, path: string, words: readonly (string | RegExp)[]): Promise<void> {
  for (const wanted of words) {
    await page
      .locator('main')
      .getByText(wanted)
      .first()
      .waitFor({ state: 'attached', timeout: 10_000 })
      .catch(() => assert.fail(`${path}: ${String(wanted)} is not shown`));
  }
}

async function keepShot(page: Page, name: string): Promise<void> {
  const folder = process.env['GYRE_SHOTS'];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  const file = name.replaceAll(/[0-9a-f]{64}/g, (digest) => digest.slice(0, 6)).replaceAll(/\W+/g, '-');
  await page.screenshot({ path: join(folder, `${file.replace(/^-/, '').slice(0, 70)}.png`), fullPage: true });
}
