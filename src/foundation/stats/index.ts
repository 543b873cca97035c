export type { NumberList, TaskKind } from './task.ts';
