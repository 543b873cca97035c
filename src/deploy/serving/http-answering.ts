import type { IncomingHttpHeaders } from 'node:http';
import { isGyreError } from '#core';
import type { GyreError } from '#core';
import type { Logger } from '#telemetry';
import type { Admission } from './http-admission.ts';
import { isPacked, packedBody, sizeOfBody, utf8Text } from './http-body.ts';
import type { BodyTaken } from './http-body.ts';
import type { Answer, Exchange } from './http-exchange.ts';
import type { Matched } from './http-router.ts';
import type { Plane } from './plane.ts';
import { noteHeaders } from './request-note.ts';
import type { RequestNote, RequestObserver } from './request-note.ts';

/** A request as either way of reading it gives it. */
export interface Incoming {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
  /** Whether the body is there already, so that `body` gives it at once, unless it is packed. */
  readonly isWhole: boolean;
  /** The body, unpacked. @param limit bytes */
  readonly body: (limit: number, takes: BodyTaken) => Buffer | Promise<Buffer>;
  readonly release: () => void;
  /** @param size bytes of its body */
  readonly send: (answer: Answer, size: number) => void;
}

/** Which route answers a request, and who asks. */
export interface Admitted extends Matched {
  /** The SHA-256 of the caller's token; empty without one. */
  readonly caller: string;
}

export interface AnsweringDeps {
  readonly plane: Plane;
  readonly admission: Admission;
  readonly log: Logger;
  readonly observer?: RequestObserver;
  /** An error as the answer of a protocol. */
  readonly describe: (error: unknown) => Answer;
}

/**
 * One request, from its head to its answer. Where a route answers at once, so does this, without a promise on the way: on a fast model they
 * would be a good part of what a request costs.
 */
export class Answering implements Exchange {
  readonly #deps: AnsweringDeps;
  readonly #incoming: Incoming;
  readonly receivedMs: number;
  readonly note: RequestNote;
  // Said before anything can fail, so that the answer to a request that is refused early is counted too.
  #name = 'unknown';
  #isInference = false;
  #caller = '';
  #inside: Disposable | undefined;
  #isSent = false;
  params: Readonly<Record<string, string>> = {};

  constructor(deps: AnsweringDeps, incoming: Incoming) {
    this.#deps = deps;
    this.#incoming = incoming;
    this.receivedMs = deps.plane.elapsed();
    this.note = deps.observer?.begin(incoming.headers) ?? {};
  }

  get method(): string {
    return this.#incoming.method;
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  /** Has the route answer. */
  begin({ route, params, caller }: Admitted): void {
    this.#name = route.name;
    this.#isInference = route.infers === true;
    this.#caller = caller;
    this.params = params;
    try {
      const answer = route.handle(this);
      if (answer instanceof Promise) answer.then((one) => this.#settle(one)).catch((error: unknown) => this.fail(error));
      else this.#settle(answer);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Answers with what went wrong. */
  fail(error: unknown): void {
    const { log, describe } = this.#deps;
    if (!isGyreError(error) || error.code === 'INTERNAL') log.error({ err: error, route: this.#name }, 'a request failed');
    if (!this.#isSent) this.#finish(describe(error));
  }

  async text(): Promise<string> {
    return utf8Text(await this.#body('json'));
  }

  bytes(): Promise<Buffer> {
    return this.#body('binary');
  }

  bytesNow(takes: 'json' | 'binary'): Buffer | undefined {
    const { isWhole, headers } = this.#incoming;
    if (!isWhole || headers['content-encoding'] !== undefined) return undefined;
    const bytes = this.#incoming.body(this.#deps.plane.manifest.limits.maxBodyBytes, takes);
    if (bytes instanceof Promise) return undefined;
    this.#enter();
    return bytes;
  }

  async any(): Promise<{ readonly bytes: Buffer; readonly type: string }> {
    return { bytes: await this.#body('any'), type: this.headers['content-type'] ?? '' };
  }

  release(): void {
    this.#incoming.release();
  }

  async #body(takes: BodyTaken): Promise<Buffer> {
    const bytes = await this.#incoming.body(this.#deps.plane.manifest.limits.maxBodyBytes, takes);
    this.#enter();
    return bytes;
  }

  /** Let in only when it has come whole: who sends slowly keeps nobody out, and a refused one keeps its connection. */
  #enter(): void {
    if (this.#inside !== undefined) return;
    const { admission } = this.#deps;
    admission.take(this.#caller);
    this.#inside = admission.enter();
  }

  #settle(answer: Answer): void {
    if (answer.settle === undefined) this.#pack(answer);
    else answer.settle((fault) => this.#settled(answer, fault));
  }

  /** Called among those of other requests: what goes wrong here is this one's alone. */
  #settled(answer: Answer, fault: GyreError | undefined): void {
    try {
      if (fault === undefined) this.#pack(answer);
      else this.fail(fault);
    } catch (error) {
      this.fail(error);
    }
  }

  #pack(answer: Answer): void {
    if (!isPacked(sizeOfBody(answer.body), this.headers['accept-encoding'])) {
      this.#finish(answer);
      return;
    }
    packedBody(answer.body)
      .then((body) => this.#finish({ ...answer, body: [body], headers: { ...answer.headers, 'content-encoding': 'gzip' } }))
      .catch((error: unknown) => this.fail(error));
  }

  #finish(answered: Answer): void {
    const { plane, admission, observer } = this.#deps;
    const { receivedMs, note } = this;
    const { status } = answered;
    let answer = answered;
    if (status === 429 || status === 503)
      answer = { ...answer, headers: { 'retry-after': String(admission.retryAfterSeconds), ...answer.headers } };
    this.#inside?.[Symbol.dispose]();
    if (note.trace !== undefined || note.requestId !== undefined)
      answer = { ...answer, headers: { ...answer.headers, ...noteHeaders(note) } };
    const bytes = sizeOfBody(answer.body);
    this.#incoming.send(answer, bytes);
    this.#isSent = true;
    const [route, caller, method] = [this.#name, this.#caller, this.method];
    observer?.end({ note, route, protocol: 'HTTP', method, status, isError: status >= 500, receivedMs, bytes, caller });
    plane.answered({ route, code: String(status), receivedMs, isInference: this.#isInference, isError: status >= 400 });
  }
}
