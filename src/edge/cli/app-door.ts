import type { BatchRequest, BatchResult } from '#batch';
import type { Backup, BackupList, BlobStorage, Check, PackageFile, StreamFigures } from '#contract';
import type { ConfigInputs, ResolvedSetting } from '#core';
import type { BuiltImage, PushedImage, WrittenArchive, WrittenContext } from '#packaging';
import type { StreamChoices, StreamPlaces } from '#streams';
import type { S3Access } from '#workspace';

/** Flags of the platform that a person gave: setting → value. */
export type Flags = Readonly<Record<string, unknown>>;

export interface ProjectFlags {
  /** Absolute. */
  readonly projectFolder: string;
  readonly flags: Flags;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface UpFlags extends ProjectFlags {
  /** Told once the platform answers. */
  readonly ready: (at: { readonly address: string; readonly page: string; readonly dataFolder: string }) => void;
  /** Aborts when the person wants it to stop. */
  readonly signal: AbortSignal;
}

export interface DemoFlags extends Omit<ProjectFlags, 'projectFolder'> {
  /** Absolute: a changed copy of the example; left out: the example itself. */
  readonly projectFolder?: string;
  /** Begin again with an empty data folder. */
  readonly fresh: boolean;
  /** End after the summary. */
  readonly exit: boolean;
  /** Shift the population only, so that retraining cannot help. */
  readonly control: boolean;
  readonly seed?: number;
  readonly write: (text: string) => void;
  /** Whether the output is a terminal, where lines may be drawn again. */
  readonly isTerminal: boolean;
  readonly signal: AbortSignal;
}

/** A data plane's options, as `gyre serve` takes them. */
export interface ServeFlags {
  readonly manifest?: string;
  readonly blobs?: string;
  readonly blobCache?: string;
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  readonly model?: readonly string[];
  readonly route?: string;
  readonly container?: string;
  readonly python?: string;
  readonly pythonEnv?: string;
  readonly pythonCache?: string;
  readonly pythonProcesses?: number;
  readonly pythonLimit?: readonly string[];
  readonly publicKey?: string;
  readonly unsigned?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly grpcPort?: string;
  readonly answeringThreads?: string;
  readonly spool?: string;
  readonly logEvents?: string;
  readonly logEventsMode?: 'all' | 'request' | 'response';
  readonly eventHosts?: string;
  readonly accessLog?: string;
  readonly control?: boolean;
  readonly detachedOk?: boolean;
  readonly workers?: string;
  readonly threads?: string;
  readonly engine?: string;
  readonly provider?: string;
  readonly lane?: string;
  readonly waitMs?: string;
  readonly idleMs?: string;
  readonly maxBatchRows?: string;
  readonly maxDelayMs?: string;
  readonly maxQueued?: string;
  readonly memoryMib?: string;
  readonly maxConcurrent?: string;
  readonly rate?: string;
  readonly timeoutMs?: string;
  readonly maxBodyBytes?: string;
  readonly logSample?: string;
  readonly logMask?: readonly string[];
  readonly logDrop?: readonly string[];
  readonly logMaxMib?: string;
  readonly logWhenFull?: string;
  readonly modelControl?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureHttp?: boolean;
  readonly allowedHost?: readonly string[];
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

/** A batch prediction on this machine. */
export interface PredictFlags extends ProjectFlags {
  /** A package folder or an .onnx file, absolute, perhaps behind `NAME=`. */
  readonly model: string;
  readonly request: Omit<BatchRequest, 'model' | 'newId' | 'workers' | 'faults'> & { readonly workers?: number };
}

/** How models that execute code on load are allowed. */
export type PythonChoices = Pick<ServeFlags, 'python' | 'pythonEnv' | 'pythonCache' | 'pythonProcesses' | 'pythonLimit'>;

/** What answers a topic: a package folder or an .onnx file, absolute, perhaps behind `NAME=`; or a model that a data plane serves. */
export type StreamAnswerer =
  | (PythonChoices & { readonly place: string })
  | { readonly address: string; readonly model: string; readonly token?: string };

/** A stream prediction on this machine. */
export interface PredictStreamFlags extends ProjectFlags {
  readonly model: StreamAnswerer;
  readonly places: StreamPlaces;
  readonly choices: StreamChoices;
  /** Where metrics are answered, on loopback; 0: any free port. */
  readonly metricsPort?: number;
  /** Told once messages are taken. */
  readonly ready: (what: { readonly group: string; readonly model: string }) => void;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What is packed for a computer elsewhere. */
export interface PackageFlags extends ProjectFlags {
  /** A package folder or an .onnx file, absolute. */
  readonly place: string;
  /** What a registered version is called, and what was registered; else the files say it. */
  readonly model?: {
    readonly name: string;
    readonly version: string;
    readonly modelVersion: string;
    readonly package: string;
    readonly files: readonly PackageFile[];
  };
  /** The folder of the OCI layout, absolute; left out: it is not kept. */
  readonly layout?: string;
  /** Where it is sent, such as `registry.example.org/churn:3`. */
  readonly push?: string;
  /** The folder for a Containerfile and what it adds, absolute. */
  readonly containerfile?: string;
  /** The file for an archive without containers, absolute. */
  readonly archive?: string;
  /** Speak plain HTTP to a registry that is not on this machine. */
  readonly insecure?: boolean;
  readonly signal: AbortSignal;
  /** By which the layout knows the image; default: the model's name and version. */
  readonly name?: string;
  /** A file with an Ed25519 key (PEM), absolute; default: the key of the project's data folder, where there is one; "off": nobody signs. */
  readonly key?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a model was packed into. */
export interface Packaged {
  readonly image?: BuiltImage & { readonly pushed?: PushedImage };
  readonly containerfile?: WrittenContext;
  readonly archive?: WrittenArchive;
}

/** A relay's options, as `gyre relay` takes them. */
export interface RelayFlags {
  readonly to: string;
  /** Absolute. */
  readonly journal: string;
  readonly port: number;
  readonly limitBytes: number;
  readonly environment: ProjectFlags['environment'];
  /** Told once it answers. */
  readonly ready: (at: { readonly address: string; readonly waiting: number }) => void;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Where an agent keeps what it has, and who it is. */
export interface AgentPlace {
  /** Absolute. */
  readonly folder: string;
  /** The file of an enrolment, absolute; default: the one that the folder keeps. */
  readonly enrolment?: string;
  /** Where the platform is; default: as the enrolment says. */
  readonly server?: string;
  /** A file with certificates (PEM) that are believed beside the system's, absolute. */
  readonly ca?: string;
  /** Where its data plane listens. */
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly environment: ProjectFlags['environment'];
  readonly signal: AbortSignal;
}

/** An agent's options, as `gyre agent run` takes them. */
export interface AgentFlags extends AgentPlace {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureHttp?: boolean;
  readonly allowedHost?: readonly string[];
  /** Seconds between two reports. */
  readonly reportEvery: number;
  /** Seconds that it waits at most before it calls a platform again that is away. */
  readonly longestPause: number;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
  /** Told whenever a data plane begins to serve. */
  readonly serving: (at: { readonly address: string; readonly generation: number }) => void;
}

export interface SealFlags extends ProjectFlags {
  readonly signal: AbortSignal;
  /** Told how many blobs are sealed. */
  readonly progress: (sealed: number) => void;
}

/** Where backups are. */
export interface BackupsFlags extends ProjectFlags {
  /** Absolute; default: what the settings say. */
  readonly folder?: string;
  /** One of them; default: the newest whole one. */
  readonly id?: string;
}

/** What takes its time. */
export interface BackupFlags extends BackupsFlags {
  /** So many whole backups stay, the newest. */
  readonly keep?: number;
  readonly signal: AbortSignal;
  /** Told how many blobs were copied or read. */
  readonly progress: (done: number) => void;
}

/** A platform that was opened for one verb, in this very process. */
export interface OpenedApp extends AsyncDisposable {
  /** Base URL, on loopback. */
  readonly address: string;
  /** The owner's token. */
  readonly token: string;
}

/**
 * What the command line needs of the composition root. `main.ts` hands it in: the command line is one of the rooms that the
 * composition root opens, so it cannot import it.
 */
export interface AppDoor {
  /** The platform's settings with the source of each. */
  settleSettings(
    projectFolder: string,
    inputs: ConfigInputs,
  ): { readonly resolved: readonly ResolvedSetting[]; readonly dataFolder: string };
  /** Who holds a data folder right now; undefined when nobody does. */
  readServerInfo(dataFolder: string): { readonly address: string; readonly certificate?: string } | undefined;
  /** Opens the platform on a free loopback port, for as long as one verb takes. */
  openForVerb(options: ProjectFlags): Promise<OpenedApp>;
  /** Runs the platform until the signal aborts. */
  up(options: UpFlags): Promise<void>;
  /** Runs the demo. @returns whether every station reached what it should */
  demo(options: DemoFlags): Promise<boolean>;
  /** Seals blobs of a platform that is stopped. */
  sealBlobs(options: SealFlags): Promise<{ readonly sealed: number; readonly storage: BlobStorage }>;
  /** Copies records, blobs and secrets, also while a platform runs on them. */
  backUp(options: BackupFlags): Promise<Backup>;
  /** Makes a platform of a backup. */
  restore(options: BackupFlags): Promise<Backup>;
  listBackups(options: BackupsFlags): Promise<BackupList>;
  /** Compares a backup with what it was. */
  verifyBackup(options: BackupFlags): Promise<Backup>;
  removeBackup(options: BackupsFlags & { readonly id: string }): Promise<void>;
  /** How a bucket is reached, for remotes of a workspace. */
  s3Access(environment: ProjectFlags['environment'], overrides: Parameters<S3Access>[0]): ReturnType<S3Access>;
  /** Runs a data plane until it is stopped. @returns the exit code */
  inferenceProcess(options: ServeFlags): Promise<number>;
  /** Predicts a table by a model on this disk. */
  predictTable(options: PredictFlags): Promise<BatchResult>;
  /** Answers a topic by a model on this disk until the signal aborts. */
  predictStream(options: PredictStreamFlags): Promise<StreamFigures>;
  /** Packs a model that lies on this disk, with the data plane that runs here, into an image. */
  packageModel(options: PackageFlags): Promise<Packaged>;
  /** A data plane for a model that lies here, for the time of one piece of work. */
  planeForVerb<T>(place: string, work: (address: string) => Promise<T>): Promise<T>;
  /** Runs an agent until the signal aborts. */
  agent(options: AgentFlags): Promise<void>;
  /** Looks whether this machine can serve what its environment is to serve; undefined when that is nothing. */
  agentCheck(options: AgentPlace): Promise<{ readonly generation: number; readonly checks: readonly Check[] } | undefined>;
  /** Runs a relay until the signal aborts. */
  relay(options: RelayFlags): Promise<void>;
}
