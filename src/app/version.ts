import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asSha256 } from '#core';
import type { Environment } from '#contract';
import gyre from '../../package.json' with { type: 'json' };

/** The version of Gyre that runs. */
export const gyreVersion: string = gyre.version;

/** What a run is executed in: enough to say later why its bytes could differ. The lock is the digest of package-lock.json. */
export function runEnvironment(): Environment {
  const lock = createHash('sha256')
    .update(readFileSync(join(import.meta.dirname, '../../package-lock.json')))
    .digest('hex');
  return { gyre: gyreVersion, node: process.versions.node, platform: `${process.platform}-${process.arch}`, lock: asSha256(lock) };
}
