import { Check } from 'typebox/schema';
import { Evidence } from '#contract';
import type { PackageFile } from '#contract';
import { GyreError, asSha256 } from '#core';
import { openConversions } from './convert/conversions.ts';
import { openConverter } from './convert/convert-version.ts';
import { requireJudged } from './judged.ts';
import { openLookup } from './lookup.ts';
import { openModelVerbs } from './model-verbs.ts';
import type { Registry, RegistryDeps } from './port.ts';
import { openRegistering } from './register.ts';
import { openTesting } from './test-version.ts';
import { openVersionVerbs } from './version-verbs.ts';

/** Opens the room over a migrated store. */
export function openRegistry(deps: RegistryDeps): Registry {
  const { store, blobs } = deps;
  const lookup = openLookup(store);

  const fileOf = async (id: string, path: string): Promise<PackageFile> => {
    const version = await lookup.getById(id);
    const file = version.deletedAt === undefined ? version.files.find((one) => one.path === path) : undefined;
    if (file !== undefined) return file;
    const there = version.files.map((one) => one.path).join(', ');
    const has =
      version.deletedAt !== undefined
        ? 'it was deleted, and only its record is left'
        : there === ''
          ? `its files are at ${version.source}, not in Gyre`
          : `its files are ${there}`;
    throw new GyreError('NOT_FOUND', `version ${version.version} of "${version.model}" has no file "${path}"; ${has}`, { id, path });
  };
  const readFile = async (id: string, path: string): Promise<Uint8Array> => blobs.read(asSha256((await fileOf(id, path)).digest));

  const { registerMade, ...registering } = openRegistering(deps, lookup);

  return {
    ...lookup,
    ...openModelVerbs(deps, lookup),
    ...openVersionVerbs(deps, lookup),
    ...registering,
    conversions: openConversions(deps, lookup, openConverter(deps, registerMade)),
    ...openTesting(deps, lookup),
    readFile,
    async openFile(version, path) {
      const file = await fileOf(version, path);
      return { file, bytes: await blobs.open(asSha256(file.digest)) };
    },
    async evidence(version) {
      requireJudged(await lookup.getById(version), 'an evidence file');
      const parsed: unknown = JSON.parse(new TextDecoder().decode(await readFile(version, 'evidence.json')));
      if (Check(Evidence, parsed)) return parsed;
      throw new GyreError('DATA_LOSS', `the evidence file of version ${version} has a form that this Gyre does not read`, { version });
    },
  };
}
