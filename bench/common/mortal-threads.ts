// Loaded before a data plane: has a thread that runs the model die whenever the parent process says so, and tells of it. Nothing of the plane is another.
import { isMainThread, type Worker } from 'node:worker_threads';

/** What is told of a thread that died with runs under way, and of one that took its place. */
export type Mortal = { readonly lost: number } | { readonly replacedMs: number };

/** How many are to die and have not been told to. */
let due = 0;
/** When those died whose places are empty. */
const deaths: number[] = [];

function watch(worker: Worker): void {
  if (worker.threadName !== 'gyre-onnx') return;
  let underWay = 0;
  let isDoomed = false;
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (...given: Parameters<Worker['postMessage']>): void => {
    if (kindOf(given[0]) === 'run') {
      underWay += 1;
      // It dies of an uncaught error with this run in its hands. Not in the middle of one: a thread that is stopped or out of memory inside the
      // native runtime takes the whole process with it, and that is what `bench kill` is about.
      if (due > 0 && !isDoomed) {
        due -= 1;
        isDoomed = true;
        post(null);
      }
    }
    post(...given);
  };
  worker.on('message', (reply: unknown) => {
    const kind = kindOf(reply);
    if (kind === 'answer' || kind === 'failure') underWay -= 1;
    const diedMs = kind === 'ready' ? deaths.shift() : undefined;
    if (diedMs !== undefined) tell({ replacedMs: performance.now() - diedMs });
  });
  worker.once('exit', () => {
    // One that is too many ends as well; nobody waits for it.
    if (!isDoomed) return;
    deaths.push(performance.now());
    tell({ lost: underWay });
  });
}

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, 'kind') : undefined;
}

function tell(message: Mortal): void {
  process.send?.(message);
}

if (isMainThread) {
  process.on('worker', watch);
  process.on('message', () => void (due += 1));
  // It is not what keeps the data plane running.
  process.channel?.unref();
}
