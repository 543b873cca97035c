import type { MigrationSet } from '#store';
import { outbox } from './0001-outbox.ts';

export const eventsMigrations: MigrationSet = { room: 'events', migrations: [outbox] };
