import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { messageOf } from '#core';
import { onnxRuntimeVersion } from '#onnx';
import type { Machine } from './machine.ts';

const patienceMs = 5_000;

/** The machine that this process runs on. @param environment its environment variables */
export function thisMachine(environment: Readonly<Record<string, string | undefined>>): Machine {
  return {
    cpuFeatures,
    availableBytes: async () => process.availableMemory(),
    freeBytes,
    onnxruntime: onnxRuntimeVersion,
    portProblem,
    hasSecret: async (name) => {
      if (!name.startsWith('/')) return (environment[name] ?? '') !== '';
      return access(name, constants.R_OK).then(
        () => true,
        () => false,
      );
    },
    reachProblem: (target) => (/^https?:/.test(target) ? httpProblem(target) : socketProblem(target)),
  };
}

/** Linux names them in a line `flags` (x86) or `Features` (Arm). */
async function cpuFeatures(): Promise<ReadonlySet<string> | undefined> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const [, flags] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text) ?? [];
  return flags === undefined ? undefined : new Set(flags.trim().split(/\s+/));
}

async function freeBytes(path: string): Promise<number> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere && dirname(path) !== path) return freeBytes(dirname(path));
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

function portProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'somebody else listens there' : messageOf(error)),
    );
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

function socketProblem(target: string): Promise<string | undefined> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(target) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: patienceMs });
    const ended = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => ended(undefined));
    socket.once('timeout', () => ended(`nothing within ${patienceMs / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => ended(error.code ?? messageOf(error)));
  });
}

/** Any answer will do: what is asked is whether somebody is there. */
function httpProblem(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = (url.startsWith('https:') ? requestHttps : requestHttp)(url, { method: 'GET', timeout: patienceMs });
    request.once('response', (response) => {
      response.destroy();
      resolve(undefined);
    });
    request.once('timeout', () => request.destroy(new Error(`nothing within ${patienceMs / 1000} s`)));
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? messageOf(error)));
    request.end();
  });
}
