import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { GyreError } from '#core';
import type { VerifiedImage } from '#packaging';
import type { Cli } from '../cli.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

interface VerifyOptions {
  readonly name?: string;
  readonly publicKey?: string;
  readonly insecureRegistry?: boolean;
}

/** The verb that reads an image again. */
export function registerPackageVerify(program: Command, bind: Bind): void {
  program
    .command('verify')
    .description('Reads every byte of an image, compares it with its digests, and looks whose signature it has.')
    .argument('<image>', 'an OCI layout, or an image of a registry, such as registry.example.org/churn:3')
    .option('--name <name>', 'which image of the layout (default: the only one)')
    .option('--public-key <file>', 'the key that must have signed it (PEM), such as secrets/manifest-key.pub.pem of a data folder')
    .option('--insecure-registry', 'speak plain HTTP to a registry that is not on this machine')
    .addHelpText(
      'after',
      examples('gyre package verify images --public-key key.pem', 'gyre package verify registry.example.org/churn:3 --public-key key.pem'),
    )
    .action(
      bind<VerifyOptions>(async (cli, options, place) => {
        const verified = await verify(cli, options, place);
        cli.output.facts(verified, () => {
          const { digest, layers, billOfMaterials, signedBy } = verified;
          cli.output.line(`${digest}: ${layers} layers are as their digests say`);
          cli.output.line(billOfMaterials ? 'its bill of materials is with it' : 'it has no bill of materials');
          cli.output.line(
            signedBy === undefined ? 'whose signature it has was not asked (--public-key)' : `signed by ${signedBy.slice(0, 12)}`,
          );
        });
      }),
    );
}

async function verify(cli: Cli, { name, publicKey: file, insecureRegistry }: VerifyOptions, place: string): Promise<VerifiedImage> {
  const { fetchImage, Layout, referenceOf, registryCredentials, verifyImage } = await import('#packaging');
  const publicKey = file === undefined ? undefined : await keyIn(resolve(cli.host.folder, file));
  const asked = publicKey === undefined ? {} : { publicKey };
  const folder = resolve(cli.host.folder, place);
  if (await isThere(join(folder, 'oci-layout')))
    return verifyImage(await Layout.open(folder), { ...asked, ...(name === undefined ? {} : { name }) });
  if (await isThere(folder)) throw new GyreError('NOT_FOUND', `${folder} is no OCI layout: it has no file oci-layout`);
  const { host } = referenceOf(place);
  const credentials = await registryCredentials(host, cli.host.environment);
  const fetched = await mkdtemp(join(tmpdir(), 'gyre-image-'));
  try {
    const layout = await Layout.open(fetched);
    await fetchImage(layout, place, {
      signal: cli.host.signal,
      ...(insecureRegistry === true ? { insecure: true } : {}),
      ...(credentials === undefined ? {} : { credentials }),
    });
    return await verifyImage(layout, { ...asked, name: place });
  } finally {
    await rm(fetched, { recursive: true, force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function keyIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `the key ${file} cannot be read`, { file }, { cause: error });
  });
}
