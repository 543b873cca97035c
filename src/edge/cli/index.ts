export { runCli } from './program.ts';
export type { CliHost } from './cli.ts';
export type {
  AppDoor,
  BackupFlags,
  BackupsFlags,
  DemoFlags,
  Flags,
  OpenedApp,
  Packaged,
  PackageFlags,
  PredictFlags,
  PredictStreamFlags,
  ProjectFlags,
  AgentFlags,
  AgentPlace,
  RelayFlags,
  SealFlags,
  ServeFlags,
  UpFlags,
} from './app-door.ts';
export { exitCodes } from './exit-codes.ts';
export { openClient } from './client.ts';
export type { Client } from './client.ts';
