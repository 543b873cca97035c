import { mkdirSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { Digest, Instant, SignedManifest, strict } from '#contract';
import { GyreError, parsedJson } from '#core';

const Served = strict({ manifest: Digest, since: Instant });

/** What an agent remembers over its restarts. */
const Memory = strict({
  /** The highest revision that was believed. */
  seen: Type.Integer({ minimum: 0 }),
  /** The revision that was dealt with: served, or refused. */
  done: Type.Integer({ minimum: 0 }),
  current: Type.Optional(Served),
  /** Manifests that were served before, the newest first: their files stay. */
  previous: Type.Array(Digest),
  refused: Type.Optional(strict({ revision: Type.Integer({ minimum: 1 }), reason: Type.String(), at: Instant })),
});
export type Memory = Static<typeof Memory>;

const nothing: Memory = { seen: 0, done: 0, previous: [] };

/** Where an agent keeps what it needs while the platform is away. */
export interface AgentFolder {
  readonly enrolment: string;
  readonly key: string;
  readonly blobs: string;
  /** Of the data plane: its manifest and its log. */
  readonly plane: string;
  remembered(): Promise<Memory>;
  remember(memory: Memory): void;
  /** @throws GyreError NOT_FOUND, DATA_LOSS */
  manifest(digest: string): Promise<SignedManifest>;
  keepManifest(digest: string, signed: SignedManifest): void;
  /** Lets go of manifests that are not among these. */
  forgetManifestsBut(digests: ReadonlySet<string>): Promise<void>;
}

/** Opens an agent's folder; made when missing. @param replaceFile puts a file in the place of another, whole and durably */
export function agentFolder(path: string, replaceFile: (path: string, text: string) => void): AgentFolder {
  const manifests = join(path, 'manifests');
  for (const folder of [path, manifests, join(path, 'plane')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const memoryFile = join(path, 'state.json');
  return {
    enrolment: join(path, 'enrolment.json'),
    key: join(path, 'key.pem'),
    blobs: join(path, 'blobs'),
    plane: join(path, 'plane'),
    remembered: async () => {
      const text = await readFile(memoryFile, 'utf8').catch(() => undefined);
      if (text === undefined) return nothing;
      const memory = parsedJson(text);
      if (Check(Memory, memory)) return memory;
      throw new GyreError(
        'DATA_LOSS',
        `${memoryFile} cannot be read: remove it to begin anew (what was refused as older counts no longer then)`,
      );
    },
    remember: (memory) => replaceFile(memoryFile, JSON.stringify(memory)),
    manifest: async (digest) => {
      const file = join(manifests, `${digest}.json`);
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined) throw new GyreError('NOT_FOUND', `the manifest ${digest} is not in ${manifests}`);
      const signed = parsedJson(text);
      if (Check(SignedManifest, signed)) return signed;
      throw new GyreError('DATA_LOSS', `${file} holds no manifest`);
    },
    keepManifest: (digest, signed) => replaceFile(join(manifests, `${digest}.json`), JSON.stringify(signed)),
    forgetManifestsBut: async (digests) => {
      for (const name of await readdir(manifests))
        if (!digests.has(name.replace(/\.json$/, ''))) await rm(join(manifests, name), { force: true });
    },
  };
}
