/** What can be asked of the machine that a data plane is to run on. What cannot be told there is undefined. */
export interface Machine {
  /** Features of the processor, as the system names them. */
  cpuFeatures(): Promise<ReadonlySet<string> | undefined>;
  /** Bytes that a process may still take, by the limits that it is under. */
  availableBytes(): Promise<number>;
  /** Free bytes of the disk that holds a path; of its nearest folder where it is not there yet. */
  freeBytes(path: string): Promise<number>;
  /** Such as `1.30.0`. */
  onnxruntime(): Promise<string | undefined>;
  /** Why nobody can listen at a port; undefined when one can. */
  portProblem(host: string, port: number): Promise<string | undefined>;
  /** Whether there is an environment variable of this name that is not empty, or a file that can be read, by its absolute path. */
  hasSecret(name: string): Promise<boolean>;
  /** Why a `host:port` or an address of HTTP does not answer; undefined when it does. */
  reachProblem(target: string): Promise<string | undefined>;
}
