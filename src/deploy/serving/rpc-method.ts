import type { IncomingHttpHeaders } from 'node:http2';
import type { GyreError } from '#core';
import type { RequestNote } from './request-note.ts';

/** One call as a method sees it. */
export interface RpcCall {
  /** When its header was read, on the plane's clock of elapsed time. */
  readonly receivedMs: number;
  /** Milliseconds that the caller waits at most; undefined: for ever. */
  readonly timeoutMs?: number;
  /** Its metadata. Calls that say the same share it. */
  readonly headers: IncomingHttpHeaders;
  /** Goes along to the plane. */
  readonly note: RequestNote;
  /** Whether the message's memory is nobody else's, so that who has answered it may give it back. */
  readonly ownsMessage: boolean;
}

/** An answer that is there, and may not be given yet. */
export interface PendingMessage {
  readonly message: Uint8Array;
  /** Calls back once, when it may be given, or with what went wrong instead. */
  readonly settle: (done: (fault?: GyreError) => void) => void;
}

/** A method of a service. It is given messages and gives messages, in protocol buffers. */
export interface RpcMethod {
  /** What metrics call it. */
  readonly name: string;
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  /** True for probes: no token is asked for. */
  readonly open?: boolean;
  /** True where predictions are asked for: rate and concurrency limits hold, for each message. */
  readonly infers?: boolean;
  /** @param message is its own to keep, and not to change */
  readonly handle: (message: Uint8Array, call: RpcCall) => Promise<Uint8Array> | Uint8Array | PendingMessage;
  /** True: takes many messages and answers each, in their order; `onError` says in a message why one could not be answered. */
  readonly stream?: { readonly onError: (error: unknown) => Uint8Array };
}
