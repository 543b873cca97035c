import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { ArchiveFile } from '../oci/tar.ts';
import type { Component } from '../bill-of-materials.ts';

/** What a package has that only its developers need, and code for other machines. */
const leftOut =
  /\.(d\.[cm]?ts|ts|map|md|markdown|h|hpp|cc|gyp|yml)$|^(node_modules|src|test|tests|docs|script|scripts|install|include|examples|lib\/glib-2\.0)\//;

/** What has to go wherever the code goes, whatever its ending: licences, and notices of the parts of others. */
const licence = /^(licen[cs]e|copying|notice|third)[^/]*$/i;
const readme = /^readme(\.\w+)?$/i;

interface PackageFacts {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

/** A package of npm as it was installed, for a bill of materials. @param folder holds its package.json */
export async function npmComponent(folder: string): Promise<Component> {
  const { name = '', version = '', license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageFacts;
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(license === undefined ? {} : { license }),
  };
}

/**
 * The files of an installed package that a program needs to run, and its licences; where they have no file of
 * their own, its README says them.
 * @param keeps asked of each path in the package, `/` between
 * @param into the archive's folder that it goes to
 */
export async function npmFiles(
  folder: string,
  into: string,
  keeps: (path: string) => boolean = () => true,
): Promise<readonly ArchiveFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      file: join(entry.parentPath, entry.name),
      path: relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'),
    }));
  const hasLicence = files.some(({ path }) => licence.test(path));
  return files
    .filter(({ path }) => licence.test(path) || (!hasLicence && readme.test(path)) || (!leftOut.test(path) && keeps(path)))
    .map(({ file, path }) => ({ path: `${into}/${path}`, content: { file } }));
}

/** The licence texts of a package whose code is joined into others. */
export async function licenceFiles(folder: string, into: string): Promise<readonly ArchiveFile[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile() && licence.test(entry.name));
  return entries.map(({ name }) => ({ path: `${into}/${name}`, content: { file: join(folder, name) } }));
}
