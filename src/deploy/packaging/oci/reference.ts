import { GyreError } from '#core';

/** An image in a registry. */
export interface Reference {
  /** With its port, where it says one. */
  readonly host: string;
  readonly repository: string;
  /** A tag, or `sha256:…`. */
  readonly tag: string;
  /** Without the tag: what signatures name. */
  readonly name: string;
}

const form = /^(?<host>[a-zA-Z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)\/(?<repository>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)(?::(?<tag>[\w][\w.-]{0,127})|@(?<digest>sha256:[0-9a-f]{64}))?$/; // prettier-ignore

/**
 * Reads such as `registry.example.org/team/churn:3`; without a tag it is `latest`. The registry is always named: none is assumed.
 * @throws GyreError INVALID_ARGUMENT
 */
export function referenceOf(text: string): Reference {
  const { host = '', repository = '', tag, digest } = form.exec(text.replace(/^(docker|https?):\/\//, ''))?.groups ?? {};
  if (host === '' || !/[.:\]]|^localhost$/.test(host))
    throw new GyreError('INVALID_ARGUMENT', `"${text}" is no image of a registry: HOST/REPOSITORY:TAG is wanted, in lower case, such as registry.example.org/team/churn:3`); // prettier-ignore
  return { host, repository, tag: digest ?? tag ?? 'latest', name: `${host}/${repository}` };
}

/** Registries of this very machine are spoken to without TLS, as other tools do. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}
