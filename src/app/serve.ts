import { fileURLToPath } from 'node:url';
import type { ServeFlags } from '#cli';

/**
 * Becomes a data plane: this process is replaced by the one that the control plane would start, so that nothing of
 * the control plane (its database, its tables) is loaded beside it.
 */
export async function inferenceProcess(flags: ServeFlags): Promise<number> {
  const words = Object.entries(flags).flatMap(([name, value]: [string, unknown]): readonly string[] => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    return Array.isArray(value) ? value.flatMap((item: unknown) => [flag, String(item)]) : [flag, String(value)];
  });
  const entry = fileURLToPath(new URL('./inference-main.ts', import.meta.url));
  if (process.execve !== undefined) process.execve(process.execPath, [process.execPath, entry, ...words], process.env);
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [entry, ...words], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

/** See `planeForVerb` of plane-for-verb.ts, which is loaded only here. */
export async function planeForVerb<T>(place: string, work: (address: string) => Promise<T>): Promise<T> {
  const module = await import('./plane-for-verb.ts');
  return module.planeForVerb(place, work);
}
