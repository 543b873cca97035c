import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from './replace-file.ts';

/** The line by which DVC ignores a file of the same folder: anchored, with the pattern characters of gitignore escaped. */
export function ignoreEntry(name: string): string {
  return `/${name.replaceAll(/[[\]!*#?]/g, String.raw`\$&`)}`;
}

/** Adds a path to the `.gitignore` of its folder, as DVC does. @returns the `.gitignore`'s path when it changed */
export function ignoreInGit(path: string): string | undefined {
  const file = join(dirname(path), '.gitignore');
  const entry = ignoreEntry(basename(path));
  const text = textOf(file);
  if (text.split(/\r?\n/).includes(entry)) return undefined;
  replaceFile(file, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${entry}\n`);
  return file;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
