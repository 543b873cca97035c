import type { BlobStore } from '#blobs';
import type { AgentReport, Enrolment, PlaneFigures, SignedManifest } from '#contract';
import type { Clock } from '#core';
import type { Machine } from '#machine';

/** The data plane beside the agent: a child process, kept alive. */
export interface AgentPlane extends AsyncDisposable {
  /**
   * Has it serve a manifest: starts it, or swaps without dropping a request.
   * @throws GyreError FAILED_PRECONDITION with its reason when it refused (it goes on with what it had), UNAVAILABLE when it died
   */
  apply(manifest: SignedManifest): Promise<{ readonly address: string }>;
  /** Ends it, what is under way first; `apply` starts it again. */
  stop(): Promise<void>;
  /** While it runs. */
  readonly address: string | undefined;
  /** Where it is told to listen. */
  readonly host: string;
  readonly ports: readonly number[];
  figures(): Promise<PlaneFigures | undefined>;
  /** Finishes what it has logged until now and hands over the finished segments. @throws what `onSegments` throws */
  ship(): Promise<void>;
}

/** How long is waited, in milliseconds. */
export interface AgentTimes {
  /** For news, by the server. */
  readonly waitMs: number;
  /** Between two reports. */
  readonly reportMs: number;
  /** Between two parts of the prediction log. */
  readonly shipMs: number;
  /** After a call that failed, the first time and at most; each is doubled and dealt by chance. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** Before what was refused is tried again. */
  readonly refusedMs: number;
  /** At its end, for what was logged to be sent. */
  readonly lastTryMs: number;
}

export interface AgentDeps {
  readonly enrolment: Enrolment;
  /** The agent's own, absolute. */
  readonly folder: string;
  readonly blobs: Pick<BlobStore, 'put' | 'has' | 'delete' | 'verify' | 'list'>;
  /** @param onSegments takes finished segments of the log, oldest first */
  readonly openPlane: (onSegments: (paths: readonly string[]) => Promise<void>) => AgentPlane;
  readonly machine: Machine;
  readonly host: AgentReport['host'];
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  /** Puts a file in the place of another, whole and durably. */
  readonly replaceFile: (path: string, text: string) => void;
  readonly times: AgentTimes;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
  /** Told whenever a data plane begins to serve. */
  readonly serving?: (at: { readonly address: string; readonly generation: number }) => void;
  readonly signal: AbortSignal;
}

/** The platform, as an agent speaks to it. */
export interface Contact {
  get(path: string, options: { readonly timeoutMs: number }): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** A file's bytes as they come. @throws GyreError UNAVAILABLE when they do not come, or stop coming */
  bytes(path: string): Promise<AsyncIterable<Uint8Array>>;
}
