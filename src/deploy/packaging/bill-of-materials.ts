/** A part of what is packed. */
export interface Component {
  readonly type: 'application' | 'platform' | 'library' | 'machine-learning-model';
  readonly name: string;
  readonly version?: string;
  /** A package URL. */
  readonly purl?: string;
  /** In the words of SPDX. */
  readonly license?: string;
  readonly sha256?: string;
}

export const billType = 'application/vnd.cyclonedx+json';

/**
 * A bill of materials in CycloneDX 1.6 (JSON). Equal parts give equal bytes: it names no instant and no serial number.
 * @param image the digest of the image's manifest, `sha256:…`
 */
export function billOfMaterials(image: { readonly name: string; readonly digest: string }, parts: readonly Component[]): object {
  const components = distinct(parts).map(componentOf);
  const subject = `pkg:oci/${encodeURIComponent(image.name)}@${encodeURIComponent(image.digest)}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { 'bom-ref': subject, type: 'container', name: image.name, version: image.digest, purl: subject },
    },
    components,
    dependencies: [{ ref: subject, dependsOn: components.map((one) => one['bom-ref']) }],
  };
}

/** Libraries of one package of the system are so many components; what is the same twice is one. */
function distinct(parts: readonly Component[]): readonly Component[] {
  return [...new Map(parts.map((part) => [refOf(part), part])).values()];
}

const refOf = ({ type, name, version = '', purl = '' }: Component): string => `${type}:${name}@${version}${purl === '' ? '' : ` ${purl}`}`;

function componentOf(part: Component) {
  const { type, name, version, purl, license, sha256 } = part;
  return {
    'bom-ref': refOf(part),
    type,
    name,
    ...(version === undefined ? {} : { version }),
    ...(sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
    ...(license === undefined ? {} : { licenses: [/[ ()]/.test(license) ? { expression: license } : { license: licenceOf(license) }] }),
    ...(purl === undefined ? {} : { purl }),
  };
}

/** A word that may not be one of SPDX is a name, not an id. */
const licenceOf = (text: string): object =>
  /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|LGPL-3\.0-or-later|0BSD)$/.test(text) ? { id: text } : { name: text };
