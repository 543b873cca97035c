import { Type, type Static } from 'typebox';
import { Instant, oneOf, strict } from './common.ts';

/** Names a backup: the instant at which it began, as `20261129T130500123Z`. */
export const BackupId = Type.String({ pattern: '^\\d{8}T\\d{9}Z$' });

/** One state of the platform, kept elsewhere: its records, its blobs, its secrets. */
export const Backup = strict({
  id: BackupId,
  state: oneOf(['running', 'verifying', 'whole', 'damaged', 'cut_off', 'failed'], {
    description:
      'only a whole one is restored; verifying: it is being checked; damaged: a check found other bytes; cut_off: the process that made it ended before it did',
  }),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
  gyre: Type.Optional(Type.String({ description: 'the version that made it' })),
  database: Type.Optional(oneOf(['sqlite', 'postgresql'], { description: 'where the records were; they can be restored into either' })),
  databaseBytes: Type.Optional(Type.Integer({ description: 'of the copied records' })),
  blobs: Type.Integer({ description: 'how many blobs belong to it; of a running one: how many were copied' }),
  bytes: Type.Integer({ description: 'of its blobs, which backups in one folder share' }),
  verifiedAt: Type.Optional(Instant),
  damaged: Type.Optional(Type.Array(Type.String(), { description: 'files of it with other bytes than they had; at most the first 100' })),
  error: Type.Optional(Type.String()),
});
export type Backup = Static<typeof Backup>;

/** The backups in a folder, newest first. */
export const BackupList = strict({
  folder: Type.String({ description: 'where they are' }),
  besideData: Type.Boolean({ description: 'they are on the very disk that the data are on' }),
  items: Type.Array(Backup),
});
export type BackupList = Static<typeof BackupList>;
