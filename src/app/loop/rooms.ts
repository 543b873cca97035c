import type { BlobStore } from '#blobs';
import type { CodeVersion, Environment } from '#contract';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { Executor } from '#executors';
import type { Features } from '#features';
import type { Monitoring } from '#monitoring';
import type { CharterBook, LoadedProject } from '#project';
import type { Registry } from '#registry';
import type { Training } from '#training';

/** The opened rooms that the loop's steps work with. */
export interface LoopRooms {
  /** The project that the running step works on: as it stands in its file now, or as a commit has it. */
  readonly project: () => LoadedProject;
  readonly blobs: BlobStore;
  readonly charters: CharterBook;
  readonly data: Data;
  readonly features: Features;
  readonly training: Training;
  readonly evaluation: Evaluation;
  readonly registry: Registry;
  readonly monitoring: Monitoring;
  readonly executor: Executor;
  readonly environment: Environment;
  /** Whether the running step checks a commit. */
  readonly isCi: () => boolean;
  readonly codeVersion: () => Promise<CodeVersion>;
  /** Worker threads for training. */
  readonly workers: number;
}
