import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GyreError } from '#core';
import type { BuiltImage, PushedImage } from '#packaging';
import type { PackageFlags } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';
import { modelVersion } from './model-reference.ts';
import { registerPackageVerify } from './package-verify.ts';
import { saveFile } from './save-file.ts';

interface PackageOptions {
  readonly oci?: string;
  readonly push?: string;
  readonly name?: string;
  readonly key?: string;
  readonly insecureRegistry?: boolean;
}

type Built = BuiltImage & { readonly pushed?: PushedImage };

export const registerPackage: Register = (program, bind) => {
  const verb = program
    .command('package')
    .summary('a container image of a model, made without Docker')
    .description(
      'Packs a model with the data plane of this machine (Node, the shared libraries that it needs, ONNX Runtime) into an OCI image, without Docker: no shell, not root, no state, the port as PORT says. The same model and Gyre give the same digest. Its bill of materials (CycloneDX) and its signature go with it.',
    )
    .argument('<model>', 'a version such as churn/3 or churn@champion; or what lies here: a package folder, an .onnx file')
    .option('--oci <folder>', 'the folder to write, an OCI layout; images that are in it stay')
    .option('--push <image>', 'where to send it, such as registry.example.org/churn:3')
    .option('--name <name>', 'what it is called in the folder (default: the model and its version, such as churn:3)')
    .option('--key <file>', 'an Ed25519 key (PEM) that signs it; "off": nobody does (default: the key of the project’s data folder)')
    .option('--insecure-registry', 'speak plain HTTP to a registry that is not on this machine')
    .addHelpText(
      'after',
      examples(
        'gyre package churn@champion --oci images',
        'gyre package digits.onnx --oci images --name digits:1',
        'gyre package churn/3 --push registry.example.org/churn:3',
      ),
    )
    .action(
      bind<PackageOptions>(async (cli, options, what) => {
        const { oci, push, name, key, insecureRegistry } = options;
        if (oci === undefined && push === undefined)
          throw new GyreError('INVALID_ARGUMENT', 'say where the image goes: --oci FOLDER, --push IMAGE, or both');
        const folder = oci === undefined ? undefined : resolve(cli.host.folder, oci);
        const built = await packed(cli, what, {
          signal: cli.host.signal,
          ...(folder === undefined ? {} : { layout: folder }),
          ...(push === undefined ? {} : { push }),
          ...(name === undefined ? {} : { name }),
          ...(key === undefined ? {} : { key: key === 'off' ? 'off' : resolve(cli.host.folder, key) }),
          ...(insecureRegistry === undefined ? {} : { insecure: insecureRegistry }),
        });
        cli.output.facts({ ...(folder === undefined ? {} : { folder }), ...built }, () => say(cli, folder, built));
      }),
    );
  registerPackageVerify(verb, bind);
};

/** What lies here is packed as it is, a registered version is fetched first. */
async function packed(
  cli: Cli,
  what: string,
  asked: Pick<PackageFlags, 'layout' | 'push' | 'name' | 'key' | 'insecure' | 'signal'>,
): Promise<Built> {
  const app = await cli.host.app();
  const place = resolve(cli.host.folder, what);
  const flags = { ...asked, projectFolder: cli.projectFolder, flags: cli.flags, environment: cli.host.environment };
  if (await stat(place).then(() => true, () => false)) return app.packageImage({ ...flags, place }); // prettier-ignore
  return cli.withClient(async (client) => {
    const version = await modelVersion(client, what);
    if (version.package === undefined)
      throw new GyreError('NOT_FOUND', `${version.model}/${version.version} has no files in Gyre: they are at ${version.source}`);
    const folder = await mkdtemp(join(tmpdir(), 'gyre-package-'));
    try {
      for (const { path } of version.files) await saveFile(client, version, path, folder);
      const model = {
        name: version.model,
        version: String(version.version),
        modelVersion: version.id,
        package: version.package,
        files: version.files,
      };
      return await app.packageImage({ ...flags, place: folder, model });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function say({ output }: Cli, folder: string | undefined, { name, digest, architecture, size, signedBy, pushed }: Built): void {
  output.pairs([
    ['image', folder === undefined ? undefined : `${name} in ${folder}`],
    ['digest', digest],
    ['for', `linux/${architecture}`],
    ['to send', `${(size / 1e6).toFixed(1)} MB`],
    ['signed by', signedBy?.slice(0, 12) ?? 'nobody: there is no key here (--key)'],
    [
      'sent to',
      pushed === undefined ? undefined : `${pushed.image}, tag ${pushed.tag}: ${pushed.sent} blobs, ${pushed.present} were there`,
    ],
  ]);
}
