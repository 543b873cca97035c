import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { SignedManifest } from '#contract';
import type { DataPlanes } from '#release';
import type { Logger } from '#telemetry';
import { type PlaneProcess, startPlane } from './plane-process.ts';

export interface LocalPlanesOptions {
  /** Folder with one folder for each environment: its manifest and its spool. */
  readonly folder: string;
  readonly blobs: string;
  /** PEM file of the key that manifests are checked against. */
  readonly publicKeyFile: string;
  readonly host: string;
  /** The REST port that an environment asks for; 0 takes a free one. */
  readonly portOf: (environment: string) => number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly log: Logger;
  /** Finished segments of an environment's prediction log, oldest first. */
  readonly onSegments: (environment: string, paths: readonly string[]) => Promise<void>;
}

/** Data planes as child processes of this one, one for each environment. */
export interface LocalPlanes extends DataPlanes, AsyncDisposable {
  /** Ships what was predicted until now: the log's open segments are finished and handed over. */
  flush(environment?: string): Promise<void>;
  /** The folder of an environment's prediction log. */
  spoolOf(environment: string): string;
}

interface Held {
  process: PlaneProcess;
  manifest: SignedManifest;
}

/** Opens the supervisor. A plane that dies is started again with its manifest. */
export function openLocalPlanes(options: LocalPlanesOptions): LocalPlanes {
  const { folder, log } = options;
  const planes = new Map<string, Held>();
  let closed = false;

  const filesOf = (environment: string): { manifest: string; spool: string } => ({
    manifest: join(folder, environment, 'manifest.json'),
    spool: join(folder, environment, 'spool'),
  });

  const writeManifest = (manifest: SignedManifest): string => {
    const { environment } = manifest.manifest;
    const files = filesOf(environment);
    mkdirSync(files.spool, { recursive: true, mode: 0o700 });
    const temporary = `${files.manifest}.tmp`;
    writeFileSync(temporary, JSON.stringify(manifest), { mode: 0o600, flush: true });
    renameSync(temporary, files.manifest);
    return files.manifest;
  };

  const start = async (manifest: SignedManifest): Promise<PlaneProcess> => {
    const { environment } = manifest.manifest;
    const file = writeManifest(manifest);
    const args = [
      '--manifest',
      file,
      '--blobs',
      options.blobs,
      '--spool',
      filesOf(environment).spool,
      '--public-key',
      options.publicKeyFile,
    ];
    args.push('--host', options.host, '--port', String(options.portOf(environment)), '--control');
    if (options.tls !== undefined) args.push('--tls-cert', options.tls.cert, '--tls-key', options.tls.key);
    const entry = fileURLToPath(new URL('./inference-main.ts', import.meta.url));
    return startPlane({
      command: process.execPath,
      args: [entry, ...args],
      // The plane gets no credential of ours: it needs none.
      env: Object.fromEntries(
        ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE', 'GYRE_LOG_LEVEL', 'GYRE_FAULT_PLANE'].flatMap((name) =>
          process.env[name] === undefined ? [] : [[name, process.env[name]]],
        ),
      ),
      onLog: (line) => log.info({ environment, plane: line }, 'data plane'),
      onExit: (code) => void restart(environment, code),
    });
  };

  const restart = async (environment: string, code: number | null): Promise<void> => {
    const held = planes.get(environment);
    if (closed || held === undefined) return;
    log.warn({ environment, code }, 'the data plane died and is started again');
    planes.delete(environment);
    try {
      planes.set(environment, { process: await start(held.manifest), manifest: held.manifest });
    } catch (error) {
      log.error({ environment, error: messageOf(error) }, 'the data plane could not be started again');
    }
  };

  const flushOne = async (environment: string, held: Held): Promise<void> => {
    const answer = await held.process.ask('flush');
    const segments = answer['segments'];
    if (Array.isArray(segments)) await options.onSegments(environment, segments.map(String));
  };

  return {
    spoolOf: (environment) => filesOf(environment).spool,
    address: (environment) => planes.get(environment)?.process.address,
    apply: async (manifest) => {
      const { environment, generation } = manifest.manifest;
      const held = planes.get(environment);
      if (held === undefined) {
        const process = await start(manifest);
        planes.set(environment, { process, manifest });
        return { address: process.address };
      }
      if (held.manifest.signature === manifest.signature) return { address: held.process.address };
      const file = writeManifest(manifest);
      const answer = await held.process.ask('reload', file);
      if (answer['ok'] !== true) {
        writeManifest(held.manifest);
        throw new GyreError('FAILED_PRECONDITION', `the data plane refused generation ${generation}: ${String(answer['reason'])}`, {
          environment,
        });
      }
      held.manifest = manifest;
      return { address: held.process.address };
    },
    flush: async (environment) => {
      for (const [name, held] of planes) if (environment === undefined || environment === name) await flushOne(name, held);
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      await Promise.all([...planes.values()].map((held) => held.process.stop()));
      planes.clear();
    },
  };
}
