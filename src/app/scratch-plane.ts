import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignedManifest } from '#contract';
import type { ScratchPlane } from '#release';
import type { PlaneProcess } from './plane-process.ts';
import type { PlaneLaunch } from './supervised-plane.ts';

export interface ScratchPlaneOptions {
  /** Where the folders of such planes lie: each is removed with its plane. */
  readonly folder: string;
  readonly start: (launch: PlaneLaunch) => Promise<PlaneProcess>;
}

/** Starts a data plane beside the others, on free ports, that nobody watches over: when it dies, it is gone. */
export async function startScratchPlane({ folder, start }: ScratchPlaneOptions, signed: SignedManifest): Promise<ScratchPlane> {
  await mkdir(folder, { recursive: true });
  const own = await mkdtemp(join(folder, 'plane-'));
  try {
    const manifest = join(own, 'manifest.json');
    await writeFile(manifest, JSON.stringify(signed));
    const startedMs = performance.now();
    const process = await start({ manifest, spool: join(own, 'spool'), ports: { rest: 0, grpc: 0 }, onExit: () => undefined });
    return {
      address: process.address,
      startMs: performance.now() - startedMs,
      residentBytes: () => residentBytes(process.pid),
      [Symbol.asyncDispose]: async () => {
        await process.stop();
        await rm(own, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    throw error;
  }
}

/** Resident memory of a process and its children; undefined where there is no /proc, or when it has ended. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kibibytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
    if (Number.isNaN(kibibytes)) return undefined;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter((word) => word !== '');
    let bytes = kibibytes * 1024;
    for (const child of children) bytes += (await residentBytes(Number(child))) ?? 0;
    return bytes;
  } catch {
    return undefined;
  }
}
