import { resolve } from 'node:path';
import type { VersionFile, VersionFiles } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../../cli.ts';
import type { Client } from '../../client.ts';
import { placeFiles } from '../../place-files.ts';
import type { FileToPlace, Placed } from '../../place-files.ts';
import { sizeText } from '../../work-progress.ts';
import { counted } from './in-workspace.ts';

const filesPerPage = 1000;

interface Where {
  readonly to: string;
  /** Replace files of other content. */
  readonly force: boolean;
}

/**
 * Puts the files of a dataset version into a folder: see `placeFiles`.
 * @throws GyreError INVALID_ARGUMENT unless it is one version, PERMISSION_DENIED for personal data
 */
export async function checkoutVersion(cli: Cli, versions: readonly string[], { to, force }: Where): Promise<void> {
  if (versions.length !== 1)
    throw new GyreError('INVALID_ARGUMENT', 'name one dataset version beside --to, such as contracts or contracts@702a45d5');
  const [version] = versions;
  const folder = resolve(cli.host.folder, to);
  await cli.withClient(async (client) => {
    const { files, placed, bytes } = await placeVersion(cli, client, version, { to: folder, force });
    cli.output.facts({ version, folder, files, placed, bytes }, () =>
      cli.output.line(
        `${counted(files, 'file')} of ${version} in ${to}: ${placed === 0 ? 'all were there' : `${counted(placed, 'file')} placed, ${sizeText(bytes)}`}`,
      ),
    );
  });
}

/** All files of a version of a folder. @param where.to absolute @throws GyreError as `placeFiles`; PERMISSION_DENIED for personal data */
export async function placeVersion(cli: Cli, client: Client, version: string, { to, force }: Where): Promise<Placed> {
  const files = await filesOf(client, version);
  const address = (sha256: string): string => `datasets/${encodeURIComponent(version)}/files/${sha256}`;
  return placeFiles(cli, client, {
    folder: to,
    files: files.map(({ path, sha256, size }): FileToPlace => ({ path, sha256, size, address: address(sha256) })),
    force,
  });
}

async function filesOf(client: Client, version: string): Promise<readonly VersionFile[]> {
  const files: VersionFile[] = [];
  let after: string | undefined;
  do {
    const page = await client.get<VersionFiles>(`datasets/${encodeURIComponent(version)}/files`, { limit: filesPerPage, after });
    if (page.masked.includes('path'))
      throw new GyreError('PERMISSION_DENIED', 'column "path" is personal and masked for you: without it the files have no names');
    const hidden = page.masked.find((column) => column !== 'path');
    if (hidden !== undefined)
      throw new GyreError('PERMISSION_DENIED', `the files are personal data ("${hidden}"), which a data steward may see`);
    files.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return files;
}
