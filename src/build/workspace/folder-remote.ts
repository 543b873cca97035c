import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openIncoming, removeEmpty } from './incoming.ts';
import { isFolderObject, objectPath } from './layout.ts';
import { listObjects, manifestBytesIn, putManifest } from './objects.ts';
import type { RemoteObjects, Sent } from './remote-objects.ts';
import { requireParent } from './remotes.ts';
import type { Remote } from './remotes.ts';
import { together } from './scan.ts';
import type { Session } from './session.ts';
import { openWorkerPool } from './worker-pool.ts';

const objectsPerTask = 256;
/** Up to so many objects are asked for one by one; beyond, the remote is listed. */
const askedOneByOne = 500;

/** A folder in DVC's layout, such as a mounted disk: threads copy files to it, and place files from it. @throws GyreError UNAVAILABLE when it is not mounted */
export function openFolderRemote(remote: Remote & { readonly folder: string }): RemoteObjects {
  const { name, folder } = remote;
  requireParent(remote);
  return {
    name,
    folder,
    lacking: (names) => {
      const there = names.length > askedOneByOne ? listObjects(folder) : undefined;
      return Promise.resolve(names.filter((each) => !(there?.has(each) ?? existsSync(objectPath(folder, each)))));
    },
    send: (session, md5s, tell) => sendTo(folder, session, md5s, tell),
    listing: (object, legacy) => Promise.resolve(manifestBytesIn(folder, object, legacy)),
    sendListing: (_object, bytes) => Promise.resolve(putManifest(folder, bytes).stored),
    // Whoever places or fills the cache names the folder to the threads, which check and copy in one go.
    fetch: (_session, md5s) => Promise.resolve({ fetched: 0, failed: md5s.map((md5) => [md5, 'missing in the remote'] as const) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function sendTo(
  folder: string,
  { root, pool: { threads }, signal }: Session,
  md5s: readonly string[],
  tell: (objects: number, bytes: number) => void,
): Promise<Sent> {
  const parent = join(folder, '.gyre');
  // The folder's own folders go when nobody else sends to it at the moment.
  using stack = new DisposableStack();
  stack.defer(() => removeEmpty(join(parent, 'incoming'), folder));
  const incoming = stack.use(openIncoming(parent));
  await using pool = openWorkerPool({ signal, threads, objects: folder, incoming: incoming.path, reflink: false });
  const failed: (readonly [string, string])[] = [];
  let [sent, bytes] = [0, 0];
  const starts = Array.from({ length: Math.ceil(md5s.length / objectsPerTask) }, (_, i) => i * objectsPerTask);
  await together(
    starts.map(async (start) => {
      const part = md5s.slice(start, start + objectsPerTask).filter((each) => !isFolderObject(each));
      const result = await pool.run({ kind: 'copy', from: root.cache, md5s: new Uint8Array(Buffer.from(part.join(''), 'hex')) });
      failed.push(...result.failed);
      sent += result.copied;
      bytes += result.bytes;
      tell(sent, bytes);
    }),
  );
  return { sent, bytes, failed };
}
