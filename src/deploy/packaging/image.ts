import { canonicalJson } from '#core';
import { partsOf, plainName, settingsOf } from './contents.ts';
import type { PackedModel } from './packed.ts';
import { billOfMaterials, billType, type Component } from './bill-of-materials.ts';
import type { Layout } from './oci/layout.ts';
import { configType, manifestType, type Descriptor, type ImageConfig, type Manifest } from './oci/words.ts';
import type { PlaneRuntime } from './runtime/plane-runtime.ts';
import { fingerprintOf, payloadOf, payloadType, signatureAnnotation, signatureType, signPayload } from './signature.ts';

export interface BuiltImage {
  /** By which the layout knows it, such as `churn:3`. */
  readonly name: string;
  /** Of its manifest, `sha256:…`. */
  readonly digest: string;
  readonly architecture: string;
  /** Bytes of its layers as they are sent. */
  readonly size: number;
  /** The key's fingerprint; absent where nobody signed. */
  readonly signedBy?: string;
}

export interface BuildOptions {
  /** By which the layout knows it. */
  readonly name: string;
  /** Ed25519, PEM; absent: nobody signs. */
  readonly key?: string;
  /** The name that the signature is for, such as a registry's `HOST/REPOSITORY`; default: `name`. */
  readonly signedAs?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** No instant is in it: an image of the same inputs is the same image. */
const created = '1970-01-01T00:00:00Z';

/**
 * Writes an image of a data plane with its model into a layout, with its bill of materials and, where there is a key, its signature. The same
 * model and runtime give the same digest, whatever the image is called.
 */
export async function buildImage(layout: Layout, runtime: PlaneRuntime, model: PackedModel, options: BuildOptions): Promise<BuiltImage> {
  const parts = partsOf(runtime, model);
  const layers = await Promise.all(parts.map(({ entries }) => layout.putLayer(entries)));
  const config: ImageConfig = {
    architecture: runtime.architecture,
    os: 'linux',
    created,
    config: settingsOf(model, options.labels),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: parts.map(({ what }) => ({ created, created_by: `gyre package: ${what}` })),
  };
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: await layout.putJson(configType, config),
    layers: layers.map(({ descriptor }) => descriptor),
  };
  const descriptor: Descriptor = {
    ...(await layout.putJson(manifestType, manifest)),
    platform: { os: 'linux', architecture: runtime.architecture },
  };
  await layout.name(descriptor, options.name);
  await describe(layout, descriptor, options.name, [...runtime.components, componentOf(model)]);
  if (options.key !== undefined) await signImage(layout, descriptor, options.signedAs ?? options.name, options.key);
  return {
    name: options.name,
    digest: descriptor.digest,
    architecture: runtime.architecture,
    size: layers.reduce((sum, layer) => sum + layer.descriptor.size, 0),
    ...(options.key === undefined ? {} : { signedBy: fingerprintOf(options.key) }),
  };
}

/** Stores who signed an image beside it. @param name under which whoever verifies will have fetched it */
export async function signImage(layout: Layout, image: Descriptor, name: string, key: string): Promise<Descriptor> {
  const payload = payloadOf({ name, digest: image.digest });
  const stored = await layout.put(payloadType, payload);
  return layout.attach(image, signatureType, [{ ...stored, annotations: { [signatureAnnotation]: signPayload(payload, key) } }]);
}

async function describe(layout: Layout, image: Descriptor, name: string, parts: readonly Component[]): Promise<void> {
  const bill = billOfMaterials({ name, digest: image.digest }, parts);
  await layout.attach(image, billType, [await layout.put(billType, Buffer.from(canonicalJson(bill)))]);
}

function componentOf({ name, version, digest }: PackedModel): Component {
  return { type: 'machine-learning-model', name, ...(version === undefined ? {} : { version }), sha256: digest };
}

/** A name for an image where nobody chose one: as registries take it. */
export function imageName({ name, version }: Pick<PackedModel, 'name' | 'version'>): string {
  return `${plainName(name)}:${version ?? 'latest'}`;
}
