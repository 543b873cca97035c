import { GyreError, messageOf } from '#core';
import { challengeOf, realmOf } from './challenge.ts';
import { isLoopback, type Reference } from './reference.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RegistryOptions {
  readonly credentials?: Credentials;
  /** Speak plain HTTP to a registry that is not on this machine. */
  readonly insecure?: boolean;
  readonly signal?: AbortSignal;
}

export interface Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** Below the repository, such as `blobs/sha256:…`; or an address that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Statuses that are answers; any other is thrown. */
  readonly expected: readonly number[];
}

/**
 * Speaks to one repository of a registry by OCI's distribution API 1.1: with a token where the registry asks for one, else as somebody with a
 * password, else as nobody.
 */
export class RegistryClient {
  readonly reference: Reference;
  readonly #origin: string;
  readonly #options: RegistryOptions;
  #authorization: string | undefined;

  constructor(reference: Reference, options: RegistryOptions) {
    this.reference = reference;
    this.#options = options;
    this.#origin = `${isLoopback(reference.host) || options.insecure === true ? 'http' : 'https'}://${reference.host}`;
  }

  /**
   * @throws GyreError UNAUTHENTICATED or PERMISSION_DENIED as the registry says; UNAVAILABLE when it cannot be reached or fails;
   * FAILED_PRECONDITION with its own words for any other status that is not expected
   */
  async ask(asked: Asked): Promise<Response> {
    const url = asked.path instanceof URL ? asked.path : new URL(`${this.#origin}/v2/${this.reference.repository}/${asked.path}`);
    let response = await this.#send(url, asked);
    // Only the registry is told who we are: where it leads may be anybody's.
    if (response.status === 401 && this.#isOwn(response.url)) {
      await response.body?.cancel();
      this.#authorization = await this.#authorized(response.headers.get('www-authenticate') ?? '');
      response = await this.#send(url, asked);
    }
    if (asked.expected.includes(response.status)) return response;
    throw await this.#refused(response, asked);
  }

  /** What was answered, as it comes. @throws GyreError UNAVAILABLE when it breaks off */
  async *bytesOf(response: Response): AsyncGenerator<Uint8Array> {
    try {
      if (response.body !== null) yield* response.body;
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** The address of an upload that the registry has begun. */
  locationOf(response: Response): URL {
    const location = URL.parse(response.headers.get('location') ?? '', this.#origin);
    if (location === null) throw new GyreError('FAILED_PRECONDITION', `${this.reference.host} began an upload and did not say where`);
    return location;
  }

  #isOwn(url: URL | string): boolean {
    return new URL(url).origin === this.#origin;
  }

  async #send(url: URL, { method, headers, body }: Asked): Promise<Response> {
    const { signal } = this.#options;
    // What the registry answers may lead to a store of another host: what says who we are stays with the registry.
    const isTold = this.#isOwn(url) && this.#authorization !== undefined;
    try {
      return await fetch(url, {
        method,
        headers: { 'user-agent': 'gyre', ...headers, ...(isTold ? { authorization: this.#authorization ?? '' } : {}) },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): GyreError {
    const why = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return new GyreError('UNAVAILABLE', `the registry ${this.reference.host} cannot be reached: ${why}`, {}, { cause: error });
  }

  async #authorized(challenge: string): Promise<string> {
    const { credentials, insecure = false, signal } = this.#options;
    const basic =
      credentials === undefined ? undefined : `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
    const { host, repository } = this.reference;
    const { scheme, parameters: said } = challengeOf(challenge);
    if (scheme !== 'bearer') {
      if (basic !== undefined) return basic;
      throw new GyreError('UNAUTHENTICATED', `${host} asks who you are: GYRE_REGISTRY_USER and GYRE_REGISTRY_PASSWORD, or the login of docker, podman or skopeo, say it`); // prettier-ignore
    }
    const realm = realmOf(said['realm'], host, insecure);
    if (said['service'] !== undefined) realm.searchParams.set('service', said['service']);
    realm.searchParams.set('scope', said['scope'] ?? `repository:${repository}:pull,push`);
    const response = await fetch(realm, {
      headers: { 'user-agent': 'gyre', ...(basic === undefined ? {} : { authorization: basic }) },
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok)
      throw new GyreError('UNAUTHENTICATED', `${realm.host} gives no token for ${host}/${repository}: HTTP ${response.status}`);
    const { token, access_token: other } = (await response.json()) as { readonly token?: string; readonly access_token?: string };
    return `Bearer ${token ?? other ?? ''}`;
  }

  async #refused(response: Response, { method }: Asked): Promise<GyreError> {
    const text = (await response.text().catch(() => '')).slice(0, 300);
    const { status } = response;
    const who = this.#isOwn(response.url) ? this.reference.name : `${new URL(response.url).host}, where ${this.reference.name} leads,`;
    const code =
      status === 401 ? 'UNAUTHENTICATED' : status === 403 ? 'PERMISSION_DENIED' : status === 404 ? 'NOT_FOUND' : status >= 500 || status === 429 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION'; // prettier-ignore
    return new GyreError(code, `${who} answered ${method} with HTTP ${status}${text === '' ? '' : `: ${text}`}`, {
      status,
    });
  }
}
