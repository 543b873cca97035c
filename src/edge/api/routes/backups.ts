import { Type } from 'typebox';
import { Backup, BackupId, BackupList, strict } from '#contract';
import { route, type Route } from '../route.ts';

const ByBackup = strict({ id: BackupId });

export const backupRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/backups',
    permission: 'administer',
    tag: 'governance',
    summary: 'Begins a backup of records, blobs and secrets while the platform runs',
    description: 'It goes into the folder that GYRE_BACKUPS names, on in the background; the backup’s own address tells how far it is.',
    body: strict({
      keep: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 10_000, description: 'so many whole backups stay, the newest; left out: all' }),
      ),
    }),
    answer: Backup,
    status: 202,
    handle: ({ backups }, { body, by }) => backups.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/backups',
    permission: 'read',
    tag: 'governance',
    summary: 'The backups in the platform’s folder, newest first',
    answer: BackupList,
    handle: ({ backups }) => backups.list(),
  }),
  route({
    method: 'GET',
    path: '/api/v1/backups/:id',
    permission: 'read',
    tag: 'governance',
    summary: 'A backup: whether it is whole, when it was made and checked',
    params: ByBackup,
    answer: Backup,
    handle: ({ backups }, { params }) => backups.get(params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/backups/:id/verify',
    permission: 'administer',
    tag: 'governance',
    summary: 'Begins to read all of a backup and to compare it with what it was',
    params: ByBackup,
    answer: Backup,
    status: 202,
    handle: ({ backups }, { params, by }) => backups.verify({ id: params.id, by }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/backups/:id',
    permission: 'administer',
    tag: 'governance',
    summary: 'Removes a backup, and the blobs that no other one needs',
    params: ByBackup,
    answer: BackupList,
    handle: async ({ backups }, { params, by }) => {
      await backups.remove({ id: params.id, by });
      return backups.list();
    },
  }),
];
