import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { asSha256, canonicalJson, GyreError, sha256 } from '#core';
import { holdLayout, lockName } from './layout-lock.ts';
import { archiveOf, type ArchiveEntry } from './tar.ts';
import type { Descriptor, Index, Manifest } from './words.ts';
import { emptyBytes, emptyType, indexType, layerType, manifestType } from './words.ts';

/** A layer as a manifest and a configuration name it. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** The digest of the archive before it was compressed. */
  readonly diffId: string;
}

/** Tells apart what this process is writing at one time. */
let written = 0;

/** The annotation by which tools find one image among those of a layout. */
const refName = 'org.opencontainers.image.ref.name';
/** The file that says that a folder is a layout. */
const marker = 'oci-layout';

/**
 * A folder in the form of OCI's image layout 1.0: blobs by digest, and an index that names what is whole. A process that is killed leaves at
 * most blobs that nothing names; several may write at one time.
 */
export class Layout {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws GyreError FAILED_PRECONDITION when the folder holds something else */
  static async open(folder: string): Promise<Layout> {
    const layout = new Layout(folder);
    if (await isThere(join(folder, marker))) return layout;
    await requireEmpty(folder);
    await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
    using _held = await holdLayout(folder);
    // Whoever made it meanwhile may have named an image in it.
    if (await isThere(join(folder, marker))) return layout;
    await layout.#write([]);
    await replace(join(folder, marker), '{"imageLayoutVersion":"1.0.0"}');
    return layout;
  }

  /** Where a blob lies, whether it is there or not. @throws GyreError INVALID_ARGUMENT when this is no digest */
  pathOf(digest: string): string {
    return join(this.folder, 'blobs/sha256', asSha256(digest.replace(/^sha256:/, '')));
  }

  async put(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = `sha256:${sha256(bytes)}`;
    await replace(this.pathOf(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  putJson(mediaType: string, value: object): Promise<Descriptor> {
    return this.put(mediaType, Buffer.from(canonicalJson(value)));
  }

  /** Writes a layer. Equal entries give the same layer. */
  async putLayer(entries: readonly ArchiveEntry[]): Promise<Layer> {
    const plain = createHash('sha256');
    const packed = createHash('sha256');
    let size = 0;
    const fresh = join(this.folder, 'blobs', `.fresh-${process.pid}-${++written}`);
    try {
      await pipeline(
        Readable.from(counted(archiveOf(entries), plain)),
        createGzip({ level: 6 }),
        new Transform({
          transform(chunk: Buffer, _encoding, done) {
            packed.update(chunk);
            size += chunk.length;
            done(null, chunk);
          },
        }),
        createWriteStream(fresh, { flush: true }),
      );
      const digest = `sha256:${packed.digest('hex')}`;
      await rename(fresh, this.pathOf(digest));
      return { descriptor: { mediaType: layerType, digest, size }, diffId: `sha256:${plain.digest('hex')}` };
    } finally {
      await rm(fresh, { force: true });
    }
  }

  /**
   * Writes a blob as it comes, and keeps it when it is what it is called.
   * @param from who sends it, for the error
   * @throws GyreError DATA_LOSS when it has another digest, or goes on after its size: no more is read then
   */
  async receive({ digest, size }: Descriptor, chunks: AsyncIterable<Uint8Array>, from: string): Promise<void> {
    const place = this.pathOf(digest);
    const fresh = `${place}.${process.pid}-${++written}`;
    const hash = createHash('sha256');
    let length = 0;
    try {
      await using file = await open(fresh, 'wx');
      for await (const chunk of chunks) {
        length += chunk.length;
        if (length > size) throw new GyreError('DATA_LOSS', `${from} sends more than the ${size} bytes of ${digest}`, { digest });
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== digest) throw new GyreError('DATA_LOSS', `${from} gave ${found} for ${digest}`, { digest, found });
      await rename(fresh, place);
    } finally {
      await rm(fresh, { force: true });
    }
  }

  /** A blob, checked against its digest. @throws GyreError NOT_FOUND, DATA_LOSS */
  async read({ digest }: Pick<Descriptor, 'digest'>): Promise<Buffer> {
    const bytes = await readFile(this.pathOf(digest)).catch((error: unknown) => {
      throw new GyreError('NOT_FOUND', `${this.folder} has no blob ${digest}`, { digest }, { cause: error });
    });
    requireSame(this.folder, digest, sha256(bytes));
    return bytes;
  }

  async readManifest(descriptor: Pick<Descriptor, 'digest'>): Promise<Manifest> {
    return parsed<Manifest>(await this.read(descriptor), `the manifest ${descriptor.digest}`);
  }

  /** Reads a blob and compares it with its descriptor. @throws GyreError NOT_FOUND, DATA_LOSS */
  async verify({ digest, size }: Descriptor): Promise<void> {
    const hash = createHash('sha256');
    let length = 0;
    try {
      for await (const chunk of createReadStream(this.pathOf(digest))) {
        hash.update(chunk as Buffer);
        length += (chunk as Buffer).length;
      }
    } catch (error) {
      throw new GyreError('NOT_FOUND', `${this.folder} has no blob ${digest}`, { digest }, { cause: error });
    }
    requireSame(this.folder, digest, hash.digest('hex'));
    if (length !== size) throw new GyreError('DATA_LOSS', `${digest} has ${length} bytes, ${size} are named`, { digest });
  }

  async index(): Promise<Index> {
    return parsed<Index>(await readFile(join(this.folder, 'index.json')), `${join(this.folder, 'index.json')}`);
  }

  /**
   * The manifest that a name stands for.
   * @param name left out: the only one there is
   * @throws GyreError NOT_FOUND naming those there are
   */
  async find(name?: string): Promise<Descriptor> {
    const named = (await this.index()).manifests.filter(({ annotations }) => annotations?.[refName] !== undefined);
    const found = name === undefined && named.length === 1 ? named[0] : named.find(({ annotations }) => annotations?.[refName] === name);
    if (found !== undefined) return found;
    const names = named.map(({ annotations }) => annotations?.[refName]).join(', ');
    throw new GyreError(
      'NOT_FOUND',
      named.length === 0
        ? `${this.folder} holds no image`
        : name === undefined
          ? `${this.folder} holds several images: name one of ${names}`
          : `${this.folder} holds no image ${name}; it holds ${names}`,
    );
  }

  /** What refers to a manifest: its bill of materials, its signatures. */
  async referrers(digest: string): Promise<readonly Descriptor[]> {
    return this.#referring((await this.index()).manifests, digest);
  }

  /** Names an image, in place of what had its name before. */
  async name(descriptor: Descriptor, name: string): Promise<void> {
    await this.#change((manifests) => [
      ...manifests.filter(({ annotations }) => annotations?.[refName] !== name),
      { ...descriptor, annotations: { ...descriptor.annotations, [refName]: name } },
    ]);
  }

  /** Takes in what refers to an image and is stored already, such as it came from a registry, beside what refers to it here. */
  async refer(referrer: Descriptor): Promise<void> {
    await this.#change((manifests) => [...manifests.filter(({ digest }) => digest !== referrer.digest), referrer]);
  }

  /** Stores an artifact that says something of an image, in place of what the same kind said of it. */
  async attach(subject: Descriptor, artifactType: string, layers: readonly Descriptor[]): Promise<Descriptor> {
    const { mediaType, digest, size } = subject;
    const config = await this.put(emptyType, emptyBytes);
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType,
      config,
      layers,
      subject: { mediaType, digest, size },
    };
    const made = { ...(await this.putJson(manifestType, manifest)), artifactType };
    await this.#change(async (manifests) => {
      const ofKind = manifests.filter((one) => one.artifactType === artifactType);
      const others = (await this.#referring(ofKind, digest)).map((one) => one.digest);
      return [...manifests.filter((one) => one.digest !== made.digest && !others.includes(one.digest)), made];
    });
    return made;
  }

  async #referring(manifests: readonly Descriptor[], digest: string): Promise<readonly Descriptor[]> {
    const found: Descriptor[] = [];
    for (const descriptor of manifests) {
      if (descriptor.artifactType === undefined) continue;
      if ((await this.readManifest(descriptor)).subject?.digest === digest) found.push(descriptor);
    }
    return found;
  }

  async #change(edit: (manifests: readonly Descriptor[]) => readonly Descriptor[] | Promise<readonly Descriptor[]>): Promise<void> {
    using _held = await holdLayout(this.folder);
    await this.#write(await edit((await this.index()).manifests));
  }

  async #write(manifests: readonly Descriptor[]): Promise<void> {
    await replace(join(this.folder, 'index.json'), canonicalJson({ schemaVersion: 2, mediaType: indexType, manifests }));
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function requireSame(folder: string, digest: string, found: string): void {
  if (`sha256:${found}` === digest) return;
  throw new GyreError('DATA_LOSS', `${folder}: the blob ${digest} has been changed, its digest is sha256:${found}`, { digest, found });
}

function parsed<T>(bytes: Uint8Array, what: string): T {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
  } catch (error) {
    throw new GyreError('DATA_LOSS', `${what} is no JSON`, {}, { cause: error });
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  // What a process left that was killed before it wrote the marker, or is writing at this moment.
  if (names.every((name) => name === lockName || /^(blobs|(index\.json|oci-layout)(\.\d+-\d+)?)$/.test(name))) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${folder} holds ${names[0]} and is no OCI layout: name an empty folder, or one with oci-layout`,
  );
}

async function replace(path: string, bytes: string | Uint8Array): Promise<void> {
  const fresh = `${path}.${process.pid}-${++written}`;
  try {
    await writeFile(fresh, bytes, { flush: true });
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}
