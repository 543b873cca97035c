/**
 * Preloaded into the test process: tells the parent, synchronously, which test starts. The runner's own events are buffered, so
 * a test that never yields (an endless loop) would hang without its name having left the process.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** The pipe that `tools/test-part.ts` opens beside the standard streams. */
const tracePipe = 3;

const ignore = (): void => {};

if (isMainThread) {
  tracingChannel('node.test').subscribe({
    start: (message) => {
      const { name, file } = message as { readonly name: string; readonly file: string | null };
      if (file === null) return; // the root, which holds all tests
      try {
        writeSync(tracePipe, `${JSON.stringify({ name })}\n`);
      } catch {
        // A full pipe: the name is a courtesy, the test matters more.
      }
    },
    end: ignore,
    asyncStart: ignore,
    asyncEnd: ignore,
    error: ignore,
  });
}
