import type { DataDeps } from './port.ts';

/** What the engine may take for one piece of work where nothing else is said, in mebibytes. */
export const usualMemoryMib = 1024;

/** Room for one piece of work: the engine's memory, and the folder for what does not fit into it (the system's without it). */
export interface WorkRoom {
  readonly memoryLimitMib?: number;
  readonly folder?: string;
}

export function workRoomOf({ memoryLimitMib = usualMemoryMib, temporary }: Pick<DataDeps, 'memoryLimitMib' | 'temporary'>): WorkRoom {
  return { memoryLimitMib, ...(temporary === undefined ? {} : { folder: temporary }) };
}
