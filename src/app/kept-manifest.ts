import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { SignedManifest } from '#contract';
import { parsedJson } from '#core';

/** The manifest that a data plane served last, from its folder; undefined where there is none. */
export async function keptManifest(folder: string): Promise<SignedManifest | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  const kept = text === undefined ? undefined : parsedJson(text);
  return Check(SignedManifest, kept) ? kept : undefined;
}

/** The packages that whoever serves a manifest has loaded. */
export function packagesOf(signed: SignedManifest | undefined): readonly string[] {
  if (signed === undefined) return [];
  return [...signed.manifest.models, ...(signed.manifest.warm ?? [])].map((model) => model.package);
}
