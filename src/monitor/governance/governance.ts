import { AuditLog, verifyAudit } from './audit-log.ts';
import { selectEntries } from './audit-store.ts';
import { lineage } from './lineage.ts';
import { releaseDiff } from './diff/release-diff.ts';
import type { Governance, GovernanceDeps } from './port.ts';
import { reproduce } from './reproduce.ts';
import { trace } from './trace.ts';

/** Opens the room over a migrated store: from now on the audit log follows the events. */
export function openGovernance(deps: GovernanceDeps): Governance {
  const { store } = deps;
  const log = new AuditLog(deps);
  return {
    audit: async ({ after, limit = 100, subject, newestFirst = false } = {}) => {
      const size = Math.min(Math.max(1, Math.trunc(limit)), 1000);
      const items = await store.read((db) =>
        selectEntries(db, {
          limit: size + 1,
          newestFirst,
          ...(after === undefined ? {} : { after }),
          ...(subject === undefined ? {} : { subject }),
        }),
      );
      const shown = items.slice(0, size);
      const last = shown.at(-1);
      return { items: shown, ...(items.length > size && last !== undefined ? { next: last.position } : {}) };
    },
    verifyAudit: async () => {
      await log.caughtUp();
      return verifyAudit(deps);
    },
    caughtUp: async () => {
      await log.caughtUp();
    },
    trace: (kind, id) => trace(deps, kind, id),
    reproduce: (request) => reproduce(deps, request),
    lineage: (modelVersion) => lineage(deps, modelVersion),
    releaseDiff: (request) => releaseDiff(deps, request),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
