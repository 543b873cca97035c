import { constants } from 'node:fs';
import { access, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join, posix, relative, resolve } from 'node:path';
import { GyreError, messageOf } from '#core';
import { guessProject } from './init-guess.ts';
import type { Guess, InferredTable } from './init-guess.ts';
import { projectText, schemaText } from './init-yaml.ts';

export interface InitOptions {
  /** Where the project is made; made when missing. */
  readonly folder: string;
  /** The project's name, and its dataset's. */
  readonly name: string;
  readonly dataset: string;
  /** The data file: copied to `data/` unless it is in the folder already. */
  readonly sourceFile: string;
  readonly table: InferredTable;
  readonly key?: string;
  readonly target?: string;
  /** Who owns the project, for the charter. */
  readonly owner: string;
  /** YYYY-MM-DD */
  readonly today: string;
  /** Replace files that are there. Default: refuse. */
  readonly overwrite?: boolean;
}

export interface InitResult {
  readonly folder: string;
  /** Written or copied, relative to the folder. */
  readonly files: readonly string[];
  readonly guess: Guess;
}

/**
 * Makes a project from a data file: a commented gyre.yaml, the schema to be reviewed, and a copy of the data.
 * @throws GyreError ALREADY_EXISTS naming the files that stand in the way, INVALID_ARGUMENT when key or target cannot be guessed,
 * PERMISSION_DENIED or RESOURCE_EXHAUSTED when the folder cannot be written
 */
export async function initProject(options: InitOptions): Promise<InitResult> {
  const folder = resolve(options.folder);
  const guess = guessProject(options.table, {
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.target === undefined ? {} : { target: options.target }),
  });
  const inside = relative(folder, resolve(options.sourceFile));
  const isInside = inside !== '' && !inside.startsWith('..') && !isAbsolute(inside);
  const source = isInside ? inside.split('\\').join('/') : posix.join('data', basename(options.sourceFile));
  const schemaFile = posix.join('schemas', `${options.dataset}.yaml`);
  const schema = {
    ...options.table.schema,
    columns: options.table.schema.columns.map((column) =>
      column.name === guess.key ? { ...column, unique: true, nullable: false } : column,
    ),
  };
  const texts: readonly (readonly [string, string])[] = [
    [
      'gyre.yaml',
      projectText({ name: options.name, dataset: options.dataset, source, schemaFile, guess, owner: options.owner, today: options.today }),
    ],
    [schemaFile, schemaText(options.dataset, schema)],
  ];
  const copies = isInside ? [] : [[options.sourceFile, source] as const];
  return { folder, files: await writeProjectFiles(folder, { texts, copies, overwrite: options.overwrite ?? false }), guess };
}

/** What a new project consists of: texts by file, and files that are copied; both relative to its folder. */
export interface ProjectFiles {
  readonly texts: readonly (readonly [file: string, text: string])[];
  readonly copies: readonly (readonly [from: string, file: string])[];
  /** Replace files that are there. */
  readonly overwrite: boolean;
}

/**
 * Writes the files of a new project, and a .gitignore where there is none.
 * @returns what was written or copied
 * @throws GyreError as {@link initProject} says
 */
export async function writeProjectFiles(folder: string, { texts, copies, overwrite }: ProjectFiles): Promise<readonly string[]> {
  const wanted = [...texts.map(([file]) => file), ...copies.map(([, file]) => file), 'gyre.ts'];
  const inTheWay = overwrite ? [] : await existing(folder, wanted);
  if (inTheWay.length > 0) {
    throw new GyreError(
      'ALREADY_EXISTS',
      `${folder} has ${inTheWay.join(', ')} already; nothing was written. Choose another folder, or overwrite them with --force`,
      { files: inTheWay },
    );
  }
  try {
    const written: string[] = [];
    for (const [file, text] of texts) {
      await mkdir(join(folder, file, '..'), { recursive: true });
      await writeFile(join(folder, file), text);
      written.push(file);
    }
    for (const [from, file] of copies) {
      await mkdir(join(folder, file, '..'), { recursive: true });
      await copyFile(from, join(folder, file), overwrite ? 0 : constants.COPYFILE_EXCL);
      written.push(file);
    }
    if ((await existing(folder, ['.gitignore'])).length === 0) {
      await writeFile(join(folder, '.gitignore'), '.gyre/\n');
      written.push('.gitignore');
    }
    return written;
  } catch (error) {
    throw writeError(folder, error);
  }
}

async function existing(folder: string, files: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    files.map(async (file) =>
      (await access(join(folder, file)).then(
        () => true,
        () => false,
      ))
        ? [file]
        : [],
    ),
  );
  return found.flat();
}

function writeError(folder: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new GyreError('PERMISSION_DENIED', `${folder} cannot be written: ${messageOf(error)}`, { folder }, { cause: error });
  }
  if (code === 'ENOSPC') return new GyreError('RESOURCE_EXHAUSTED', `the disk is full: ${messageOf(error)}`, { folder }, { cause: error });
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new GyreError(
      'INVALID_ARGUMENT',
      `${folder} is no folder that a project could be in: ${messageOf(error)}`,
      { folder },
      { cause: error },
    );
  return error;
}
