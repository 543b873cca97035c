export { up } from './up.ts';
export type { RunningGyre, UpOptions } from './up.ts';
export { settleSettings, platformSettings } from './settings.ts';
export type { SettledSettings } from './settings.ts';
export { readServerInfo } from './data-folder.ts';
export type { ServerInfo } from './data-folder.ts';
export { gyreVersion } from './version.ts';
