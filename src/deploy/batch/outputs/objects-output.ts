import { stat } from 'node:fs/promises';
import { GyreError } from '#core';
import type { ObjectStore } from '#blobs';
import { filesOf } from './file-output.ts';
import type { OpenOutput, OutputDeps } from './output.ts';

const successKey = '_SUCCESS';
/** Says whose unfinished objects lie there. */
const beginningKey = '_gyre_plan';

/**
 * Objects below a prefix of a bucket. A bucket knows no rename: what reads it waits for `_SUCCESS`, which is written when all other objects
 * are there and goes first when they are replaced.
 */
export const openObjectsOutput: OpenOutput<'objects'> = ({ address, partitionBy }, existing, deps) => {
  const open = (): Promise<ObjectStore> => openStore(address, deps);
  const textOf = async (store: ObjectStore, key: string): Promise<string | undefined> =>
    (await store.stat(key)) === undefined ? undefined : Buffer.from(await store.read(key)).toString('utf8');
  const planOf = (text: string | undefined): unknown => {
    try {
      const value: unknown = JSON.parse(text ?? 'null');
      return typeof value === 'object' && value !== null && 'plan' in value ? value.plan : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    address,
    isPlain: false,
    isJoined: false,
    ...(partitionBy === undefined ? {} : { partitionBy }),
    prepare: async () => {
      if (existing === 'append')
        throw new GyreError(
          'INVALID_ARGUMENT',
          'rows are appended to tables of databases alone: replace the objects, or write below another prefix',
        );
      await using store = await open();
      for await (const { key } of store.list()) {
        if (key === beginningKey) continue;
        const isOurs = (await store.stat(successKey)) !== undefined || (await store.stat(beginningKey)) !== undefined;
        if (existing === 'replace' && isOurs) return;
        // what an unfinished run left is nobody's output
        if ((await store.stat(successKey)) === undefined && (await store.stat(beginningKey)) !== undefined) return;
        throw new GyreError(
          'ALREADY_EXISTS',
          isOurs
            ? `${address} holds an output already: --replace replaces it`
            : `${address} holds other objects (such as ${key}) and is no output that may be replaced: choose a prefix of its own`,
          { address },
        );
      }
    },
    isPublished: async ({ plan }) => {
      await using store = await open();
      return planOf(await textOf(store, successKey)) === plan;
    },
    publish: async ({ plan, rows, parts, signal, done, faults }) => {
      await using store = await open();
      const options = signal === undefined ? {} : { signal };
      const json = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);
      if (planOf(await textOf(store, beginningKey)) !== plan) {
        await store.delete(successKey);
        await store.put(beginningKey, json({ plan, rows }));
        for await (const { key } of store.list()) if (key !== beginningKey) await store.delete(key);
      }
      for (const [at, part] of parts.entries()) {
        for (const { from, name } of await filesOf(part, at, partitionBy !== undefined)) {
          const there = await store.stat(name);
          // an object is there whole or not at all, and this plan's has these bytes
          if (there?.size === (await stat(from)).size) continue;
          faults.at('file.write');
          await store.putFile(name, from, options);
        }
        done(Math.floor((rows * (at + 1)) / parts.length));
      }
      faults.at('file.rename');
      await store.put(successKey, json({ plan, rows }));
      await store.delete(beginningKey);
    },
  };
};

async function openStore(address: string, { openObjects }: OutputDeps): Promise<ObjectStore> {
  if (openObjects === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${address} cannot be written: nothing says how buckets are reached`);
  return openObjects(address);
}
