import type { Container } from '#scoring';
import type { LogLevel } from '#telemetry';
import type { ExecutionFlags } from './execution-flags.ts';
import type { PolicyFlags } from './policy-flags.ts';
import type { PythonFlags } from './python-settings.ts';

/** What `gyre serve` is told. Either `manifest` with `blobs`, or `model`. */
export interface InferenceOptions extends ExecutionFlags, PolicyFlags {
  /** A signed manifest. */
  readonly manifest?: string;
  /** The blobs that hold the files of the manifest's packages: a folder, or `s3://bucket/prefix`. */
  readonly blobs?: string;
  /** Folder for copies of what is in a bucket. */
  readonly blobCache?: string;
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  /** Package folders and ONNX files to serve as they lie there, unsigned: `FOLDER`, `FILE.onnx` or `NAME=` one of them. */
  readonly model?: readonly string[];
  /** JSON file that says how requests find their model among those. */
  readonly route?: string;
  /** PEM of the Ed25519 key that manifests must be signed with. */
  readonly publicKey?: string;
  /** Serve the manifest whoever wrote it; said explicitly, instead of `publicKey`. */
  readonly unsigned?: boolean;
  /** A platform that runs this as a container by a contract of its own: `sagemaker` or `vertex`; default: what GYRE_CONTAINER says, or none. */
  readonly container?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7080; 0: any free one. */
  readonly port?: number;
  /** Where gRPC is answered; default: the port after `port`, any free one where that is 0. */
  readonly grpcPort?: number | 'off';
  /**
   * Threads that answer at these addresses. `auto`, the default: one more whenever those that there are have no time left, while all models are
   * answered on the thread that reads the request and there is a core for it.
   */
  readonly answeringThreads?: number | 'auto';
  /** Folder of the prediction log; left out: predictions are not logged. */
  readonly spool?: string;
  /** Where requests and responses are told of, whatever the manifest says; its host is allowed by being named here. */
  readonly logEvents?: string;
  readonly logEventsMode?: 'all' | 'request' | 'response';
  /** Hosts that a manifest may have events sent to, as `allowedHosts` reads them; default: those of the public internet. */
  readonly eventHosts?: string;
  /** A file of lines for each request, or `-` for standard output; `off` or left out: none. */
  readonly accessLog?: string;
  /** Take commands from standard input and answer on standard output, one JSON object a line. */
  readonly control?: boolean;
  /** Keep serving when the control pipe closes; otherwise that drains and ends the process. */
  readonly detachedOk?: boolean;
  /** Whoever may infer may also unload models and load them again. */
  readonly modelControl?: boolean;
  /** What models that execute code on load are run by; default: they are refused. */
  readonly python?: PythonFlags;
  /** How long an explanation may take where the manifest says nothing; default 5000. */
  readonly explainTimeoutMs?: number;
  /** Certificate and key (PEM files) for HTTPS. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plain HTTP beyond this machine: somebody else encrypts, or nobody needs to. */
  readonly insecureHttp?: boolean;
  /** Names that the Host header may say beside localhost and IP addresses. */
  readonly allowedHosts?: readonly string[];
  readonly logLevel?: LogLevel;
}

/** The options with what a platform's contract says in their place. */
export interface ContainedOptions extends InferenceOptions {
  /** Whether a platform in front lets callers in. */
  readonly isFronted: boolean;
  /** That platform, where there is one. */
  readonly platform?: Container;
}
