import { randomFillSync } from 'node:crypto';
import { type Access, newSecret } from '#access';
import type { DataFolder } from './data-folder.ts';

/** The first identity's token: written into the folder before it counts, so that a crash between the two loses nothing. */
export async function ownerSecret(folder: DataFolder, access: Access): Promise<string> {
  const kept = folder.readSecret('owner-token');
  const secret = kept ?? newSecret('token', (length) => randomFillSync(new Uint8Array(length)));
  if (kept === undefined) folder.writeSecret('owner-token', secret);
  await access.bootstrap(secret);
  return secret;
}
