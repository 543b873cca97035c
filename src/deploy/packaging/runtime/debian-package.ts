import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import type { Component } from '../bill-of-materials.ts';

const run = promisify(execFile);

/**
 * A shared library for a bill of materials: by the package of Debian that it came with, where this machine knows that, so that those who
 * look for vulnerable versions find it.
 * @param path where the loader finds it @param file what it is
 */
export async function debianPackageOf(path: string, file: string): Promise<Component> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const library: Component = { type: 'library', name: basename(path), sha256: hash.digest('hex') };
  // Since /lib became a link, a package may list a file under either name.
  for (const name of [file, file.replace(/^\/usr\/lib/, '/lib')]) {
    const owner = await said('dpkg-query', ['-S', name]);
    const [, found] = /^([^:\s]+)(?::\S+)?: /.exec(owner) ?? [];
    if (found === undefined) continue;
    const version = (await said('dpkg-query', ['-W', '-f', '${Version} ', found])).split(' ')[0];
    return { ...library, version, purl: `pkg:deb/debian/${found}@${encodeURIComponent(version)}` };
  }
  return library;
}

async function said(program: string, words: readonly string[]): Promise<string> {
  return run(program, words).then(
    ({ stdout }) => stdout,
    () => '',
  );
}
