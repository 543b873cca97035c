import type { MigrationSet } from '#store';
import { mail } from './0001-mail.ts';

export const mailMigrations: MigrationSet = { room: 'mail', migrations: [mail] };
