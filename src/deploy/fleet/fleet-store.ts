import type { Actor, AgentChange, AgentReport, AgentStateWord, SignedDesiredState } from '#contract';
import type { Db, Tx } from '#store';

export interface AgentRow {
  id: string;
  name: string;
  environment: string;
  identity: string;
  enrolled_at: number;
  enrolled_by: Actor;
  revoked_at: number | null;
  last_seen_at: number | null;
  /** What was last stated of it. */
  state: AgentStateWord;
  why: string | null;
  report: AgentReport | null;
}

interface Tables {
  agents: AgentRow;
  agent_changes: { id: string; agent: string; number: number; record: AgentChange };
  desired_states: { environment: string; revision: number; record: SignedDesiredState };
}

/** So many changes of an agent are kept, the newest. */
const keptChanges = 200;

export async function insertAgent(tx: Tx, row: AgentRow): Promise<void> {
  await tx.tables<Tables>().insertInto('agents').values(row).execute();
}

export async function updateAgent(tx: Tx, id: string, change: Partial<Omit<AgentRow, 'id'>>): Promise<void> {
  await tx.tables<Tables>().updateTable('agents').set(change).where('id', '=', id).execute();
}

export function selectAgent(
  db: Db,
  by: { readonly column: 'id' | 'name' | 'identity'; readonly value: string },
): Promise<AgentRow | undefined> {
  return db.tables<Tables>().selectFrom('agents').selectAll().where(by.column, '=', by.value).executeTakeFirst();
}

/** By environment and name. */
export function selectAgents(db: Db, environment?: string): Promise<AgentRow[]> {
  const all = db.tables<Tables>().selectFrom('agents').selectAll().orderBy('environment').orderBy('name');
  return (environment === undefined ? all : all.where('environment', '=', environment)).execute();
}

/** Adds a change, and lets go of the oldest beyond what is kept. */
export async function insertChange(tx: Tx, id: string, agent: string, record: AgentChange): Promise<void> {
  const changes = tx.tables<Tables>();
  const last = await changes
    .selectFrom('agent_changes')
    .select('number')
    .where('agent', '=', agent)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  const number = (last?.number ?? 0) + 1;
  await changes.insertInto('agent_changes').values({ id, agent, number, record }).execute();
  await changes
    .deleteFrom('agent_changes')
    .where('agent', '=', agent)
    .where('number', '<=', number - keptChanges)
    .execute();
}

/** The newest first. */
export async function selectChanges(db: Db, agent: string): Promise<AgentChange[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('agent_changes')
    .select('record')
    .where('agent', '=', agent)
    .orderBy('number', 'desc')
    .execute();
  return rows.map(({ record }) => record);
}

export async function selectDesired(db: Db, environment: string): Promise<SignedDesiredState | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('desired_states')
    .select('record')
    .where('environment', '=', environment)
    .executeTakeFirst();
  return row?.record;
}

export async function replaceDesired(tx: Tx, record: SignedDesiredState): Promise<void> {
  const { environment, revision } = record.desired;
  await tx
    .tables<Tables>()
    .insertInto('desired_states')
    .values({ environment, revision, record })
    .onConflict((conflict) => conflict.column('environment').doUpdateSet({ revision, record }))
    .execute();
}
