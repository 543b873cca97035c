import type { Agent, AgentStateWord, SignedDesiredState } from '#contract';
import { isoInstant } from '#core';
import type { AgentRow } from './fleet-store.ts';

/** An agent asks at least every half minute: who was not heard of for so long is away. */
export const silentMs = 90_000;

export interface JudgedAgent {
  readonly state: AgentStateWord;
  readonly why?: string;
}

/** How an agent stands to what its environment is to serve. @param now UTC milliseconds */
export function judgeAgent(row: AgentRow, signed: SignedDesiredState | undefined, now: number): JudgedAgent {
  const { report } = row;
  if (row.revoked_at !== null) return { state: 'revoked' };
  if (row.last_seen_at === null) return { state: 'never seen', why: 'it has not called since it was enrolled' };
  if (now - row.last_seen_at > silentMs) return { state: 'silent', why: `since ${isoInstant(row.last_seen_at)}; ${differs(row, signed)}` };
  if (report === null) return { state: 'behind', why: 'it has not reported yet' };
  const { revision = 0, manifest = null } = signed?.desired ?? {};
  if (report.refused?.revision === revision) return { state: 'refused', why: report.refused.reason };
  return (report.serving?.manifest ?? null) === manifest ? { state: 'in step' } : { state: 'behind', why: differs(row, signed) };
}

function differs({ report }: AgentRow, signed: SignedDesiredState | undefined): string {
  const manifest = signed?.desired.manifest ?? null;
  const serving = report?.serving;
  if ((serving?.manifest ?? null) === manifest) return 'it served what is desired';
  const at = report === null || report.doing === 'waiting' ? '' : ` (it is ${report.doing})`;
  const wanted = manifest === null ? 'nothing' : `manifest ${manifest.slice(0, 12)}`;
  const has = serving === undefined ? 'nothing' : `manifest ${serving.manifest.slice(0, 12)} (generation ${serving.generation})`;
  return `it serves ${has}, desired is ${wanted}${at}`;
}

export function agentOf(row: AgentRow, signed: SignedDesiredState | undefined, now: number): Agent {
  return {
    id: row.id,
    name: row.name,
    environment: row.environment,
    identity: row.identity,
    enrolledAt: isoInstant(row.enrolled_at),
    enrolledBy: row.enrolled_by,
    ...(row.revoked_at === null ? {} : { revokedAt: isoInstant(row.revoked_at) }),
    ...(row.last_seen_at === null ? {} : { lastSeenAt: isoInstant(row.last_seen_at) }),
    ...judgeAgent(row, signed, now),
    ...(row.report === null ? {} : { report: row.report }),
  };
}
