import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GyreError } from '#core';
import type { Packaged, PackageFlags } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';
import { modelVersion } from './model-reference.ts';
import { registerPackageList } from './package-list.ts';
import { registerPackageVerify } from './package-verify.ts';
import { saveFile } from './save-file.ts';

interface PackageOptions {
  readonly oci?: string;
  readonly push?: string;
  readonly containerfile?: string;
  readonly archive?: string;
  readonly name?: string;
  readonly key?: string;
  readonly insecureRegistry?: boolean;
}

export const registerPackage: Register = (program, bind) => {
  const verb = program
    .command('package')
    .summary('a model with what serves it, for another computer: a container image, or an archive')
    .description(
      'Packs a model with the data plane of this machine (Node, the shared libraries that it needs, ONNX Runtime) into an OCI image, without Docker: no shell, not root, no state, the port as PORT says. The same model and Gyre give the same digest. Its bill of materials (CycloneDX) and its signature go with it. --containerfile writes what Docker builds the same of, --archive what a computer without containers runs.',
    )
    .argument('<model>', 'a version such as churn/3 or churn@champion; or what lies here: a package folder, an .onnx file')
    .option('--oci <folder>', 'the folder to write, an OCI layout; images that are in it stay')
    .option('--push <image>', 'where to send it, such as registry.example.org/churn:3')
    .option('--containerfile <folder>', 'a new folder to build with Docker or Buildah: a Containerfile, and an archive for each layer')
    .option('--archive <file>', 'a .tar.gz with its own libraries, a script that starts it and a unit for systemd')
    .option('--name <name>', 'what it is called in the folder (default: the model and its version, such as churn:3)')
    .option('--key <file>', 'an Ed25519 key (PEM) that signs it; "off": nobody does (default: the key of the project’s data folder)')
    .option('--insecure-registry', 'speak plain HTTP to a registry that is not on this machine')
    .addHelpText(
      'after',
      examples(
        'gyre package churn@champion --oci images',
        'gyre package digits.onnx --oci images --name digits:1',
        'gyre package churn/3 --push registry.example.org/churn:3',
        'gyre package churn/3 --containerfile build && docker build build',
        'gyre package churn/3 --archive churn-3.tar.gz',
      ),
    )
    .action(
      bind<PackageOptions>(async (cli, options, what) => {
        const { oci, push, containerfile, archive, name, key, insecureRegistry } = options;
        if ([oci, push, containerfile, archive].every((place) => place === undefined)) {
          const places = '--oci FOLDER, --push IMAGE, --containerfile FOLDER, --archive FILE, or several';
          throw new GyreError('INVALID_ARGUMENT', `say where it goes: ${places}`);
        }
        const folder = oci === undefined ? undefined : resolve(cli.host.folder, oci);
        const built = await packed(cli, what, {
          signal: cli.host.signal,
          ...(folder === undefined ? {} : { layout: folder }),
          ...(push === undefined ? {} : { push }),
          ...(containerfile === undefined ? {} : { containerfile: resolve(cli.host.folder, containerfile) }),
          ...(archive === undefined ? {} : { archive: resolve(cli.host.folder, archive) }),
          ...(name === undefined ? {} : { name }),
          ...(key === undefined ? {} : { key: key === 'off' ? 'off' : resolve(cli.host.folder, key) }),
          ...(insecureRegistry === undefined ? {} : { insecure: insecureRegistry }),
        });
        const { image, ...others } = built;
        cli.output.facts({ ...(folder === undefined ? {} : { folder }), ...image, ...others }, () => say(cli, folder, built));
      }),
    );
  registerPackageVerify(verb, bind);
  registerPackageList(verb, bind);
};

/** What lies here is packed as it is, a registered version is fetched first. */
async function packed(
  cli: Cli,
  what: string,
  asked: Pick<PackageFlags, 'layout' | 'push' | 'containerfile' | 'archive' | 'name' | 'key' | 'insecure' | 'signal'>,
): Promise<Packaged> {
  const app = await cli.host.app();
  const place = resolve(cli.host.folder, what);
  const flags = { ...asked, projectFolder: cli.projectFolder, flags: cli.flags, environment: cli.host.environment };
  if (await stat(place).then(() => true, () => false)) return app.packageModel({ ...flags, place }); // prettier-ignore
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
      return await app.packageModel({ ...flags, place: folder, model });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function say({ output }: Cli, folder: string | undefined, { image, containerfile, archive }: Packaged): void {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  if (image !== undefined) {
    const { name, digest, architecture, size, signedBy, pushed } = image;
    output.pairs([
      ['image', folder === undefined ? undefined : `${name} in ${folder}`],
      ['digest', digest],
      ['for', `linux/${architecture}`],
      ['to send', megabytes(size)],
      ['signed by', signedBy?.slice(0, 12) ?? 'nobody: there is no key here (--key)'],
      [
        'sent to',
        pushed === undefined ? undefined : `${pushed.image}, tag ${pushed.tag}: ${pushed.sent} blobs, ${pushed.present} were there`,
      ],
    ]);
  }
  if (containerfile !== undefined) {
    output.pairs([['to build', `${containerfile.folder}: ${containerfile.files.join(', ')}`]]);
    output.line(output.style('dim', `docker build ${containerfile.folder}`));
  }
  if (archive !== undefined) {
    const { file, bytes, architecture, unit } = archive;
    output.pairs([
      ['archive', `${file}, ${megabytes(bytes)}`],
      ['for', `linux/${architecture}`],
      ['unpacks to', archive.folder],
      ['starts by', `${archive.folder}/serve; ${unit} for systemd`],
    ]);
  }
}
