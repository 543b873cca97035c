// Where a worker thread starts. Threads do not inherit the compile cache, and compiling the modules anew takes longer than a look at 10,000 files.
import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { ThreadStart } from './worker-tasks.ts';

// The pool that starts this thread hands this in.
const { compileCache } = workerData as ThreadStart;
if (compileCache !== undefined) enableCompileCache(compileCache);
await import('./workspace-worker.ts');
