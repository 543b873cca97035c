import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bareModelFile, isConvertible, isModelGraph } from '#contract';
import type { Actor, ModelConversion, ModelVersion, PackageFile, VersionConversion } from '#contract';
import { asSha256, GyreError } from '#core';
import { filesAsBrought } from '../brought/as-brought.ts';
import { requirePython } from '../brought/python-model.ts';
import type { RegistryDeps } from '../port.ts';
import type { RegisterMade } from '../register.ts';
import { convertModel } from './convert-model.ts';
import { parityText } from './conversion-parity.ts';
import { bareFiles, convertersOf, convertSource } from './convert-source.ts';

/** The tag of a converted version that names the one it was made of. */
const convertedFrom = 'converted_from';
const usualTolerance = 1e-4;

export interface FollowedConversion {
  readonly by: Actor;
  readonly signal: AbortSignal;
  readonly onStage: (stage: NonNullable<ModelConversion['stage']>) => void;
  /** Told what the model and its converter print. */
  readonly onLine: (line: string) => void;
}

/** Makes versions with a graph of versions that only Python can load. */
export interface VersionConverter {
  /** @throws GyreError FAILED_PRECONDITION when the version has a graph, holds no model that is converted, or its code may not be executed here */
  require(version: ModelVersion): void;
  /**
   * @returns the next version of the model, and by how much it differs
   * @throws GyreError as `convertModel`, and FAILED_PRECONDITION when no environment can be made
   */
  convert(
    version: ModelVersion,
    request: VersionConversion,
    followed: FollowedConversion,
  ): Promise<{ readonly version: ModelVersion; readonly parity: string }>;
}

export function openConverter(deps: RegistryDeps, register: RegisterMade): VersionConverter {
  const { blobs, clock } = deps;

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

  const requireAllowed = (version: ModelVersion): NonNullable<RegistryDeps['python']> => {
    requireConvertible(version);
    const python = requirePython(deps.python);
    if (python.isAllowed()) return python;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `converting ${titleOf(version)} executes code from its files, which is not allowed here: allow it with serve.python in gyre.yaml, or convert it by hand (gyre convert)`,
      { id: version.id },
    );
  };

  return {
    require: (version) => void requireAllowed(version),
    async convert(version, { rows, classes, logits, tensors, tolerance = usualTolerance, accept = false }, followed) {
      const { by, signal, onStage, onLine } = followed;
      const python = requireAllowed(version);
      const work = await mkdtemp(join(tmpdir(), 'gyre-version-'));
      try {
        const [folder, output] = [join(work, 'model'), join(work, 'onnx')];
        onStage('reading');
        await checkedOut(version, folder);
        const files = filesAsBrought(version);
        const bare = files.some(({ path }) => path === 'MLmodel') ? undefined : bareModelFile(files);
        const model = bare === undefined ? folder : join(folder, bare);
        const facts = { ...(tensors === undefined ? {} : { tensors }), ...(rows === undefined ? {} : { rows }) };
        const { kind } = await convertSource(model, facts);
        onStage('preparing Python');
        const converter = await python.converter(folder, convertersOf[kind]);
        signal.throwIfAborted();
        onStage('converting and comparing');
        const conversion = await convertModel({
          ...facts,
          model,
          output,
          python: converter.python,
          limits: converter.limits,
          ...(classes === undefined ? {} : { classes }),
          ...(logits === undefined ? {} : { logits }),
          tolerance,
          accept,
          signal,
          onLine,
          clock,
        });
        signal.throwIfAborted();
        onStage('registering');
        const parity = `${parityText(conversion.parity)}${conversion.accepted ? ', which is beyond the tolerance and was accepted' : ''}`;
        const made = await register({
          from: version,
          files: await kept(output),
          description: `The ONNX graph of version ${version.version}: ${parity}.`,
          tags: { [convertedFrom]: `${version.model}/${version.version}` },
          by,
        });
        return { version: made, parity };
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    },
  };
}

function requireConvertible(version: ModelVersion): void {
  const files = filesAsBrought(version);
  if (files.some(isModelGraph))
    throw new GyreError('FAILED_PRECONDITION', `${titleOf(version)} has an ONNX graph already`, { id: version.id });
  if (isConvertible({ ...version, files: [...files] })) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    files.length === 0
      ? `${titleOf(version)} has no files in Gyre: they are at ${version.source}`
      : `${titleOf(version)} has neither an MLmodel file nor one file of a model by itself (${bareFiles}): convert it by hand (gyre convert)`,
    { id: version.id },
  );
}

function titleOf({ model, version }: ModelVersion): string {
  return `version ${version} of "${model}"`;
}
