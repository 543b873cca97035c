import { join } from 'node:path';
import { publicAddress } from '#blobs';
import { GyreError } from '#core';
import type { DataDeps } from '../port.ts';
import { namedFormat } from './formats.ts';
import { readRows, storeFile } from './read-file.ts';
import type { StoredFile } from './read-file.ts';
import type { DatasetSource, OpenSource } from './source.ts';

/** What an address names, fetched whole into a file before it is read. */
export function openUrl(
  deps: Pick<DataDeps, 'store' | 'blobs' | 'fetch'>,
  { address, format }: Pick<Extract<DatasetSource, { kind: 'url' }>, 'address' | 'format'>,
): OpenSource {
  const url = URL.parse(address);
  const isBucket = /^s3:/i.test(address);
  const shown = isBucket || url === null ? address : publicAddress(url);
  const name = (isBucket ? address : (url?.pathname ?? '')).split('/').at(-1) ?? '';
  const named = namedFormat(name, format);
  const { fetch } = deps;
  let stored: Promise<StoredFile> | undefined;
  let fetchedTo = '';
  const store = (): Promise<StoredFile> => (stored ??= storeFile(deps, fetchedTo, `data.${named.format}${named.isGzip ? '.gz' : ''}`));
  return {
    kind: 'url',
    address: shown,
    look: async (folder, known) => {
      if (fetch === undefined) throw new GyreError('FAILED_PRECONDITION', `${shown} cannot be fetched: nothing says what may be`);
      const { etag, lastModified, size } = known ?? {};
      const version = {
        ...(etag === undefined ? {} : { etag }),
        ...(lastModified === undefined ? {} : { lastModified }),
        ...(size === undefined ? {} : { size }),
      };
      const path = join(folder, 'fetched');
      const fetched = await fetch(address, path, etag === undefined && lastModified === undefined ? {} : { known: version });
      if (!fetched.isNew) return { found: known ?? {}, stamp: '', isKnown: true };
      fetchedTo = path;
      return { found: fetched.version, stamp: '' };
    },
    digest: async () => (await store()).file.sha256,
    read: async (folder, reading) => {
      const { file, bytesAt } = await store();
      const target = join(folder, 'rows.parquet');
      const read = await readRows({ path: bytesAt, name, named, target, folder }, reading);
      return { ...read, path: target, source: { format: named.format, files: [file] }, found: { sha256: file.sha256, size: file.size } };
    },
  };
}
