/**
 * The one file that the runner loads when all tests share a process; it loads the others, which `GYRE_TEST_FILES` lists (a JSON array).
 * Left to itself, the runner of Node 26.10 forgets an error that a file throws after it has declared a test, and ends with success.
 */
import { test } from 'node:test';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const files = JSON.parse(process.env.GYRE_TEST_FILES ?? '[]') as readonly string[];

for (const file of files) {
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    test(`${file} can be loaded`, () => {
      throw error;
    });
  }
}
