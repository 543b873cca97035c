import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, sha256 } from '#core';
import type { Finding, PathStep, Position, Problem } from './problems.ts';
import { problemIn } from './schema-file.ts';
import { readSource } from './source-text.ts';
import { parseYaml } from './yaml-document.ts';

/** The names a project file may have, in the order in which they are looked for. */
export const projectFiles = ['gyre.yaml', 'gyre.ts'] as const;

/** A project file as far as it could be read: its value with the places of its members. */
export type ProjectSource =
  | {
      readonly ok: true;
      readonly file: string;
      readonly text: string;
      readonly value: unknown;
      readonly locate: (path: readonly PathStep[], atKey?: boolean) => Position | undefined;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Finds and reads the project file of a folder; whatever keeps it from being read is a problem. */
export async function readProjectSource(folder: string): Promise<ProjectSource> {
  const present = await existing(folder, [...projectFiles, 'gyre.yml', 'gyre.json']);
  const found = projectFiles.filter((file) => present.includes(file));
  if (found.length > 1) return failed('gyre.ts', { path: [], message: 'stands beside gyre.yaml', suggestion: 'keep one of the two' });
  const [file] = found;
  if (file === undefined) {
    const other = present[0];
    const suggestion =
      other === undefined ? `run "gyre init" to make one, or go to the folder that has it` : `rename ${other} to gyre.yaml`;
    return failed('gyre.yaml', { path: [], message: `there is no gyre.yaml in ${folder}`, suggestion });
  }
  const source = await readSource(join(folder, file));
  if (!source.ok) return failed(file, source.finding, source.position);
  return file === 'gyre.ts' ? readModule(folder, file, source.text) : readYaml(file, source.text);
}

function readYaml(file: string, text: string): ProjectSource {
  const parsed = parseYaml(text);
  if (!parsed.ok) return { ok: false, problems: parsed.findings.map((finding) => problemIn(file, finding, finding.position)) };
  const { document } = parsed;
  return { ok: true, file, text, value: document.value, locate: (path, atKey) => document.locate(path, atKey) };
}

/** Runs `gyre.ts` as Node runs any TypeScript (types are erased) and takes its default export. */
async function readModule(folder: string, file: string, text: string): Promise<ProjectSource> {
  try {
    // The digest in the address makes Node load a changed file again in the same process.
    const address = `${pathToFileURL(join(folder, file)).href}?digest=${sha256(text)}`;
    const module: unknown = await import(address);
    if (typeof module !== 'object' || module === null || !('default' in module) || module.default === undefined) {
      return failed(file, { path: [], message: 'has no default export', suggestion: 'end it with "export default { project: …, … }"' });
    }
    const strange = notPlain(module.default, []);
    if (strange !== undefined) return failed(file, strange);
    return { ok: true, file, text, value: module.default, locate: () => undefined };
  } catch (error) {
    return failed(file, { path: [], message: `cannot be loaded: ${messageOf(error)}` }, placeOf(error, file));
  }
}

/** A module may export anything; a project is data, which JSON can say. */
function notPlain(value: unknown, path: readonly PathStep[]): Finding | undefined {
  if (value === null || ['string', 'boolean', 'undefined'].includes(typeof value)) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { path, message: `is ${value}; a finite number is needed` };
  if (typeof value !== 'object') return { path, message: `is a ${typeof value}; a project is made of plain data` };
  if (path.length > 40) return { path, message: 'is nested too deeply, or contains itself' };
  const entries: readonly (readonly [PathStep, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item])
    : Object.entries(value);
  for (const [step, member] of entries) {
    const found = notPlain(member, [...path, step]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function placeOf(error: unknown, file: string): Position | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const match = new RegExp(`${file.replace('.', String.raw`\.`)}(?:\\?digest=[0-9a-f]+)?:(\\d+)(?::(\\d+))?`).exec(stack);
  return match === null ? undefined : { line: Number(match[1]), column: Number(match[2] ?? 1) };
}

function failed(file: string, finding: Finding, position?: Position): ProjectSource {
  return { ok: false, problems: [problemIn(file, finding, position)] };
}

async function existing(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(async (name) => ((await stat(join(folder, name)).catch(() => undefined)) === undefined ? [] : [name])),
  );
  return found.flat();
}
