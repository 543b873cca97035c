/** Something that was deleted, and may go for good. */
export interface DeletedRecord {
  readonly kind: 'run' | 'logged_model' | 'experiment';
  /** The run's id; the model's or experiment's as clients know it. */
  readonly id: string;
  readonly name: string;
  /** UTC milliseconds. */
  readonly deletedAt: number;
  /** Among the records of its kind. */
  readonly position: number;
  /** Where its files stand in the tree of artifacts. */
  readonly folder: string;
  /** Of its files, bytes. Blobs that other records name stay. */
  readonly bytes: number;
}

/** What was deleted goes for good, once nobody needs it. */
export interface Retention {
  /**
   * What was deleted before an instant: runs and logged models first, then experiments, so that these are empty when their turn comes.
   * @param before UTC milliseconds
   */
  deletedBefore(before: number): AsyncIterable<DeletedRecord>;
  /**
   * Takes a record away for ever: with one COMMIT it is gone, together with its files' names, parameters and tags; the points of a run's metrics
   * follow in pieces. Killed in between, what is left of them goes with the next `clear`.
   * @returns false when it was restored meanwhile, or (of an experiment) when something is left in it
   */
  erase(record: DeletedRecord, before: number): Promise<boolean>;
  /** Clears away what a killed `erase` left. */
  clear(): Promise<void>;
}
