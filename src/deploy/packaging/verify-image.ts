import { GyreError } from '#core';
import { billType } from './bill-of-materials.ts';
import type { Layout } from './oci/layout.ts';
import type { Descriptor } from './oci/words.ts';
import { fingerprintOf, requireSigned, signatureAnnotation, signatureType } from './signature.ts';

export interface VerifiedImage {
  readonly name?: string;
  readonly digest: string;
  readonly layers: number;
  /** Whether a bill of materials is with it. */
  readonly billOfMaterials: boolean;
  /** The key's fingerprint; absent where no key was asked for. */
  readonly signedBy?: string;
}

/**
 * Reads every byte of an image in a layout and compares it with the digests that name it.
 * @param options.name left out: the only image there is
 * @param options.publicKey PEM: it must have signed the image
 * @throws GyreError NOT_FOUND, DATA_LOSS naming the blob that was changed, FAILED_PRECONDITION when the signature is missing or wrong
 */
export async function verifyImage(
  layout: Layout,
  options: { readonly name?: string; readonly publicKey?: string } = {},
): Promise<VerifiedImage> {
  const image = await layout.find(options.name);
  const { config, layers } = await layout.readManifest(image);
  for (const part of [config, ...layers]) await layout.verify(part);
  const referrers = await layout.referrers(image.digest);
  for (const one of referrers) for (const layer of (await layout.readManifest(one)).layers) await layout.verify(layer);
  if (options.publicKey !== undefined) await requireSignature(layout, image, referrers, options.publicKey);
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    digest: image.digest,
    layers: layers.length,
    billOfMaterials: referrers.some(({ artifactType }) => artifactType === billType),
    ...(options.publicKey === undefined ? {} : { signedBy: fingerprintOf(options.publicKey) }),
  };
}

async function requireSignature(layout: Layout, image: Descriptor, referrers: readonly Descriptor[], publicKey: string): Promise<void> {
  const signed = referrers.filter(({ artifactType }) => artifactType === signatureType);
  if (signed.length === 0) throw new GyreError('FAILED_PRECONDITION', `${image.digest} is not signed`, { digest: image.digest });
  let refusal: unknown = new GyreError('FAILED_PRECONDITION', `what says that ${image.digest} is signed holds no signature`, {
    digest: image.digest,
  });
  for (const one of signed) {
    for (const layer of (await layout.readManifest(one)).layers) {
      try {
        requireSigned(image.digest, await layout.read(layer), layer.annotations?.[signatureAnnotation] ?? '', publicKey);
        return;
      } catch (error) {
        refusal = error;
      }
    }
  }
  throw refusal;
}
