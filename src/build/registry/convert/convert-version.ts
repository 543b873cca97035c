import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isModelGraph } from '#contract';
import type { ModelVersion, PackageFile } from '#contract';
import { asSha256, GyreError } from '#core';
import { filesAsBrought } from '../brought/as-brought.ts';
import { requirePython } from '../brought/python-model.ts';
import type { Lookup } from '../lookup.ts';
import type { Registry, RegistryDeps } from '../port.ts';
import type { RegisterMade } from '../register.ts';
import { convertModel } from './convert-model.ts';
import { parityText } from './conversion-parity.ts';
import { convertersOf, convertSource } from './convert-source.ts';

/** The tag of a converted version that names the one it was made of. */
const convertedFrom = 'converted_from';
const usualTolerance = 1e-4;

/** Converts registered versions, one at a time: a conversion takes as much memory as the model and its library do. */
export function openConverting(deps: RegistryDeps, lookup: Lookup, register: RegisterMade): Pick<Registry, 'convertVersion'> {
  const { blobs, clock } = deps;
  let isBusy = false;

  const checkedOut = async (version: ModelVersion, folder: string): Promise<void> => {
    for (const { path, digest } of filesAsBrought(version)) {
      if (path.startsWith('/') || path.split('/').includes('..'))
        throw new GyreError('DATA_LOSS', `"${path}" leads out of the package of ${titleOf(version)}`, { path });
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await pipeline(await blobs.open(asSha256(digest)), createWriteStream(join(folder, path), { mode: 0o444 }));
    }
  };
  const kept = async (folder: string): Promise<readonly PackageFile[]> => {
    const files: PackageFile[] = [];
    for (const path of await readdir(folder)) {
      const { digest, size } = await blobs.put(await readFile(join(folder, path)));
      files.push({ path, digest, size });
    }
    return files;
  };

  return {
    async convertVersion({ model, version: number, by, rows, classes, logits, tolerance = usualTolerance, accept = false }) {
      const version = await lookup.numbered(model, number);
      requireConvertible(version);
      const python = requirePython(deps.python);
      if (!python.isAllowed())
        throw new GyreError(
          'FAILED_PRECONDITION',
          `converting ${titleOf(version)} executes code from its files, which is not allowed here: allow it with serve.python in gyre.yaml, or convert it by hand (gyre convert)`,
          { id: version.id },
        );
      if (isBusy) throw new GyreError('RESOURCE_EXHAUSTED', 'another model is being converted; one is at a time');
      isBusy = true;
      const work = await mkdtemp(join(tmpdir(), 'gyre-version-'));
      try {
        const [folder, output] = [join(work, 'model'), join(work, 'onnx')];
        await checkedOut(version, folder);
        const { kind } = await convertSource(folder, {});
        const converter = await python.converter(folder, convertersOf[kind]);
        const conversion = await convertModel({
          model: folder,
          output,
          python: converter.python,
          limits: converter.limits,
          ...(rows === undefined ? {} : { rows }),
          ...(classes === undefined ? {} : { classes }),
          ...(logits === undefined ? {} : { logits }),
          tolerance,
          accept,
          clock,
        });
        const made = await register({
          from: version,
          files: await kept(output),
          description: `The ONNX graph of version ${number}: ${parityText(conversion.parity)}${conversion.accepted ? ', which is beyond the tolerance and was accepted' : ''}.`,
          tags: { [convertedFrom]: `${version.model}/${number}` },
          by,
        });
        return { version: made, conversion };
      } finally {
        isBusy = false;
        await rm(work, { recursive: true, force: true });
      }
    },
  };
}

function requireConvertible(version: ModelVersion): void {
  const files = filesAsBrought(version);
  if (files.some(isModelGraph))
    throw new GyreError('FAILED_PRECONDITION', `${titleOf(version)} has an ONNX graph already`, { id: version.id });
  if (files.some(({ path }) => path === 'MLmodel')) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    files.length === 0
      ? `${titleOf(version)} has no files in Gyre: they are at ${version.source}`
      : `${titleOf(version)} has no MLmodel file that says how its model is loaded: convert it by hand (gyre convert)`,
    { id: version.id },
  );
}

function titleOf({ model, version }: ModelVersion): string {
  return `version ${version} of "${model}"`;
}
