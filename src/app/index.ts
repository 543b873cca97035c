export { backUp, demo, listBackups, openForVerb, packageModel, removeBackup, restore, sealBlobs, up, verifyBackup } from './door.ts';
export { inferenceProcess, planeForVerb } from './serve.ts';
export { settleSettings } from './settings.ts';
export { readServerInfo } from './data-folder.ts';
export { agent, agentCheck } from './agent.ts';
export { relay } from './relay.ts';
export { s3Access } from './blobs.ts';
export { predictStream } from './predict-stream.ts';
export { predictTable } from './predict-table.ts';
