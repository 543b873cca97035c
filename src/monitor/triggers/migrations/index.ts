import type { MigrationSet } from '#store';
import { actions } from './0001-actions.ts';

export const triggersMigrations: MigrationSet = { room: 'triggers', migrations: [actions] };
