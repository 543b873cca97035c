import type { MigrationSet } from '#store';
import { charters } from './0001-charters.ts';
import { charterConfirmations } from './0002-charter-confirmations.ts';

export const projectMigrations: MigrationSet = { room: 'project', migrations: [charters, charterConfirmations] };
