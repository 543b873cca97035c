import type { MigrationSet } from '#store';
import { pipelines } from './0001-pipelines.ts';

export const pipelinesMigrations: MigrationSet = { room: 'pipelines', migrations: [pipelines] };
