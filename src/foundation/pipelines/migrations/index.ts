import type { MigrationSet } from '#store';
import { pipelines } from './0001-pipelines.ts';
import { stepItems } from './0002-step-items.ts';
import { schedules } from './0003-schedules.ts';
import { scheduleKinds } from './0004-schedule-kinds.ts';

export const pipelinesMigrations: MigrationSet = { room: 'pipelines', migrations: [pipelines, stepItems, schedules, scheduleKinds] };
