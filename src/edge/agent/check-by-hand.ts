import type { Check, Enrolment, ReleaseManifest } from '#contract';
import type { BlobStore } from '#blobs';
import { checkMachine } from '#machine';
import type { Machine } from '#machine';
import type { AgentFolder } from './agent-folder.ts';
import { openContact } from './contact.ts';
import { pinnedKey } from './enrolment.ts';
import { filesOf, missingFiles } from './fetch-files.ts';
import { verifiedDesired } from './verify-desired.ts';

/**
 * Looks whether this machine can serve what its environment is to serve, and changes nothing.
 * @returns the checks, and whose they are; undefined when nothing is to be served
 * @throws GyreError UNAVAILABLE when the platform is away; PERMISSION_DENIED for what is not the pinned key's
 */
export async function checkAgentMachine({
  enrolment,
  folder,
  agentFolder,
  blobs,
  machine,
  host,
  ports,
  signal,
}: {
  readonly enrolment: Enrolment;
  readonly folder: string;
  readonly agentFolder: AgentFolder;
  readonly blobs: BlobStore;
  readonly machine: Machine;
  readonly host: string;
  /** Where the data plane is to listen; empty where it does already. */
  readonly ports: readonly number[];
  readonly signal: AbortSignal;
}): Promise<{ readonly manifest: ReleaseManifest; readonly checks: readonly Check[] } | undefined> {
  const answer = await openContact(enrolment, signal).get('desired?after=0&waitMs=0', { timeoutMs: 30_000 });
  const { seen, current } = await agentFolder.remembered();
  const desired = verifiedDesired(answer, { key: pinnedKey(enrolment), environment: enrolment.environment, seen });
  if (desired?.manifest === undefined) return undefined;
  const { manifest } = desired.manifest.signed;
  const missing = await missingFiles(blobs, filesOf(manifest), false);
  // What an agent beside this serves takes its memory already.
  const isServed = ports.length === 0 && current !== undefined;
  const served = isServed ? (await agentFolder.manifest(current.manifest).catch(() => undefined))?.manifest : undefined;
  const checks = await checkMachine(machine, {
    manifest,
    folder,
    bytesToFetch: missing.reduce((sum, { size }) => sum + size, 0),
    loaded: new Set([...(served?.models ?? []), ...(served?.warm ?? [])].map((model) => model.package)),
    host,
    ports,
    ownPorts: [],
  });
  return { manifest, checks };
}
