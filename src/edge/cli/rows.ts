import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { NamedRow } from '#contract';
import { GyreError, messageOf } from '#core';
import type { CliHost } from './cli.ts';

/**
 * Rows with named columns from a file or from standard input (`-`): JSON (one object or a list of them), JSON Lines, or CSV.
 * @throws GyreError NOT_FOUND, INVALID_ARGUMENT
 */
export async function readRows(host: CliHost, file: string): Promise<readonly NamedRow[]> {
  if (file !== '-' && ['.csv', '.tsv', '.parquet'].includes(extname(file).toLowerCase())) {
    const { readTable } = await import('./infer-table.ts');
    const { toRecords } = await import('#tables');
    return toRecords(await readTable(resolve(host.folder, file)));
  }
  const text = file === '-' ? await host.readStdin() : await readText(resolve(host.folder, file));
  const rows = parseRows(text, file);
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', `${file} holds no row`);
  return rows;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new GyreError(
      isMissing ? 'NOT_FOUND' : 'INVALID_ARGUMENT',
      `${path} cannot be read: ${messageOf(error)}`,
      { path },
      { cause: error },
    );
  }
}

function parseRows(text: string, file: string): readonly NamedRow[] {
  const whole = tryJson(text);
  const values: readonly unknown[] =
    whole !== undefined
      ? Array.isArray(whole)
        ? whole
        : [whole]
      : text
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line, index) => {
            const value = tryJson(line);
            if (value === undefined)
              throw new GyreError(
                'INVALID_ARGUMENT',
                `${file}:${index + 1}: not JSON; one object, a list of objects, or one object per line is needed`,
              );
            return value;
          });
  return values.map((value, index) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new GyreError('INVALID_ARGUMENT', `${file}: row ${index + 1} is no object with named columns`);
    }
    for (const [name, cell] of Object.entries(value)) {
      if (typeof cell === 'object' && cell !== null)
        throw new GyreError('INVALID_ARGUMENT', `${file}: row ${index + 1}, column "${name}" is no single value`);
    }
    // Every member was just seen to be a single value.
    return value as NamedRow;
  });
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
