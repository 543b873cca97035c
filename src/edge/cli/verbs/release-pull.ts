import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Deployment, SignedManifest } from '#contract';
import { asSha256, GyreError, sha256 } from '#core';
import type { Page } from '../lists.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

/** The verb that takes what is live to a computer that serves it by itself. */
export function registerReleasePull(release: Command, bind: Bind): void {
  release
    .command('pull')
    .description(
      'Saves what is live in an environment for a computer that serves it by itself: manifest.json, signed, and in blobs/ the files that it names and that are not there yet. The manifest comes last: a data plane there reads it when it gets SIGHUP. The key that it is checked against (secrets/manifest-key.pub.pem of the platform’s data folder) is brought by hand, once.',
    )
    .argument('<environment>', 'such as production')
    .option('--to <folder>', 'where to (default: a folder named after the environment)')
    .addHelpText(
      'after',
      examples(
        'gyre release pull production --to edge',
        'gyre serve --manifest edge/manifest.json --blobs edge/blobs --public-key key.pem --spool edge/log',
        'gyre prediction ship edge/log --follow',
      ),
    )
    .action(
      bind<{ to?: string }>((cli, { to }, environment = '') =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Deployment>>('deployments', { environment });
          const digest = items.find(({ state }) => state === 'live')?.manifest;
          if (digest === undefined)
            throw new GyreError('FAILED_PRECONDITION', `nothing is live in "${environment}" by a manifest: release a version there first`, {
              environment,
            });
          const signed = await client.get<SignedManifest>(`manifests/${digest}`);
          const folder = resolve(cli.host.folder, to ?? environment);
          const { openFsBlobs } = await import('#blobs');
          const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
          let fetched = 0;
          for (const { modelVersion, name, version, files } of signed.manifest.models)
            for (const { path, digest: named } of files) {
              if (await blobs.has(asSha256(named))) continue;
              const at = `models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}/files`;
              const bytes = await client.bytes(`${at}/${path.split('/').map(encodeURIComponent).join('/')}`);
              if (sha256(bytes) !== named)
                throw new GyreError('ABORTED', `${path} of ${name}/${version} was replaced since it was released: release it again`, {
                  modelVersion,
                });
              await blobs.put(bytes);
              fetched += 1;
            }
          await mkdir(folder, { recursive: true });
          const manifest = join(folder, 'manifest.json');
          await writeFile(`${manifest}.fresh`, JSON.stringify(signed));
          await rename(`${manifest}.fresh`, manifest);
          const { generation, models } = signed.manifest;
          cli.output.facts({ manifest, generation, fetched }, () =>
            cli.output.line(
              `${manifest}: generation ${generation}, ${models.map(({ name, version }) => `${name}/${version}`).join(', ')}; ${fetched} files fetched`,
            ),
          );
        }),
      ),
    );
}
