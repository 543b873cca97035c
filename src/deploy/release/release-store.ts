import type { ApplicationTestReport, Approval, Certification, Deployment } from '#contract';
import type { Db, Tx } from '#store';

/** Of a list that nobody narrowed down. */
const mostListed = 200;

interface DeploymentRow {
  id: string;
  environment: string;
  generation: number;
  model_version: string;
  state: string;
  deployed_at: number;
  record: Deployment;
}
interface ApplicationTestRow {
  id: string;
  model_version: string;
  environment: string;
  ended_at: number;
  record: ApplicationTestReport;
}
interface CertificationRow {
  id: string;
  model_version: string;
  certified_at: number;
  record: Certification;
}
interface ApprovalRow {
  id: string;
  model_version: string;
  environment: string;
  approved_at: number;
  record: Approval;
}
interface Tables {
  deployments: DeploymentRow;
  application_tests: ApplicationTestRow;
  certifications: CertificationRow;
  approvals: ApprovalRow;
}

export interface DeploymentFilter {
  readonly environment?: string;
  readonly modelVersion?: string;
  readonly limit?: number;
}

export async function insertDeployment(tx: Tx, record: Deployment): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('deployments')
    .values({
      id: record.id,
      environment: record.environment,
      generation: record.generation,
      model_version: record.modelVersion,
      state: record.state,
      deployed_at: Date.parse(record.deployedAt),
      record,
    })
    .execute();
}

export async function updateDeployment(tx: Tx, record: Deployment): Promise<void> {
  await tx.tables<Tables>().updateTable('deployments').set({ state: record.state, record }).where('id', '=', record.id).execute();
}

/** The newest first. */
export async function selectDeployments(db: Db, filter: DeploymentFilter): Promise<readonly Deployment[]> {
  let query = db.tables<Tables>().selectFrom('deployments').select('record').orderBy('deployed_at', 'desc').orderBy('generation', 'desc');
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  if (filter.modelVersion !== undefined) query = query.where('model_version', '=', filter.modelVersion);
  const rows = await query.limit(filter.limit ?? 100).execute();
  return rows.map((row) => row.record);
}

export async function selectDeployment(db: Db, id: string): Promise<Deployment | undefined> {
  const row = await db.tables<Tables>().selectFrom('deployments').select('record').where('id', '=', id).executeTakeFirst();
  return row?.record;
}

/** The deployment of an environment that is in a state: at most one is live, at most one is rolling. */
export async function selectByState(db: Db, environment: string, state: Deployment['state']): Promise<Deployment | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('deployments')
    .select('record')
    .where('environment', '=', environment)
    .where('state', '=', state)
    .orderBy('generation', 'desc')
    .executeTakeFirst();
  return row?.record;
}

/** The deployments whose switch was under way: at most one for each environment. */
export async function selectRolling(db: Db): Promise<readonly Deployment[]> {
  const rows = await db.tables<Tables>().selectFrom('deployments').select('record').where('state', '=', 'rolling').execute();
  return rows.map((row) => row.record);
}

/** Where rollbacks of an environment start from. */
export interface WayBack {
  readonly environment: string;
  readonly modelVersion: string;
  /** What was live from this generation on is not come back to. */
  readonly from: number;
}

/** What an environment served before, latest first: another version, that was not rolled back from since. */
function servedBefore(db: Db, { environment, modelVersion, from }: WayBack, states: readonly Deployment['state'][]) {
  return db
    .tables<Tables>()
    .selectFrom('deployments as earlier')
    .where('earlier.environment', '=', environment)
    .where('earlier.state', 'in', states)
    .where('earlier.generation', '<', from)
    .where('earlier.model_version', '!=', modelVersion)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('deployments as later')
            .select('later.id')
            .whereRef('later.environment', '=', 'earlier.environment')
            .whereRef('later.model_version', '=', 'earlier.model_version')
            .whereRef('later.generation', '>', 'earlier.generation')
            .where('later.state', '=', 'rolled_back'),
        ),
      ),
    )
    .orderBy('earlier.generation', 'desc');
}

/** What an environment served before what is live now, the latest first. */
export async function selectEarlierDeployments(db: Db, live: Deployment): Promise<readonly Deployment[]> {
  const way = { environment: live.environment, modelVersion: live.modelVersion, from: live.backTo ?? live.generation };
  const rows = await servedBefore(db, way, ['superseded']).select('earlier.record').execute();
  return rows.map((row) => row.record);
}

/** The versions that rollbacks would come to, the next one first. @param leaving the version that is live and rolled back from now */
export async function selectEarlierVersions(db: Db, way: WayBack, leaving?: string): Promise<readonly string[]> {
  const rows = await servedBefore(db, way, ['superseded', 'live']).select('earlier.model_version').execute();
  return [...new Set(rows.map((row) => row.model_version))].filter((id) => id !== leaving);
}

export async function selectByGeneration(db: Db, environment: string, generation: number): Promise<Deployment | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('deployments')
    .select('record')
    .where('environment', '=', environment)
    .where('generation', '=', generation)
    .executeTakeFirst();
  return row?.record;
}

export async function lastGeneration(db: Db, environment: string): Promise<number> {
  const row = await db
    .tables<Tables>()
    .selectFrom('deployments')
    .select('generation')
    .where('environment', '=', environment)
    .orderBy('generation', 'desc')
    .executeTakeFirst();
  return row?.generation ?? 0;
}

export async function insertApplicationTest(tx: Tx, record: ApplicationTestReport): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('application_tests')
    .values({
      id: record.id,
      model_version: record.modelVersion,
      environment: record.environment,
      ended_at: Date.parse(record.endedAt),
      record,
    })
    .execute();
}

export async function selectApplicationTest(db: Db, id: string): Promise<ApplicationTestReport | undefined> {
  const row = await db.tables<Tables>().selectFrom('application_tests').select('record').where('id', '=', id).executeTakeFirst();
  return row?.record;
}

/** Which versions were tested, and where: those that were tested last, so many at most. */
export async function selectTested(
  db: Db,
  most: number,
): Promise<readonly { readonly modelVersion: string; readonly environment: string }[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('application_tests')
    .select(['model_version', 'environment'])
    .groupBy(['model_version', 'environment'])
    .orderBy((expression) => expression.fn.max('ended_at'), 'desc')
    .limit(most)
    .execute();
  return rows.map(({ model_version: modelVersion, environment }) => ({ modelVersion, environment }));
}

/** The newest first. */
export async function selectApplicationTests(db: Db, modelVersion?: string): Promise<readonly ApplicationTestReport[]> {
  let query = db
    .tables<Tables>()
    .selectFrom('application_tests')
    .select('record')
    .orderBy('ended_at', 'desc')
    .orderBy('id', 'desc')
    .limit(mostListed);
  if (modelVersion !== undefined) query = query.where('model_version', '=', modelVersion);
  return (await query.execute()).map((row) => row.record);
}

export async function insertCertification(tx: Tx, record: Certification): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('certifications')
    .values({ id: record.id, model_version: record.modelVersion, certified_at: Date.parse(record.certifiedAt), record })
    .execute();
}

/** The newest first; of a version all of them: gates are judged by each. */
export async function selectCertifications(db: Db, modelVersion?: string): Promise<readonly Certification[]> {
  let query = db.tables<Tables>().selectFrom('certifications').select('record').orderBy('certified_at', 'desc').orderBy('id', 'desc');
  query = modelVersion === undefined ? query.limit(mostListed) : query.where('model_version', '=', modelVersion);
  return (await query.execute()).map((row) => row.record);
}

export async function insertApproval(tx: Tx, record: Approval): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('approvals')
    .values({
      id: record.id,
      model_version: record.modelVersion,
      environment: record.environment,
      approved_at: Date.parse(record.approvedAt),
      record,
    })
    .execute();
}

/** The newest first; of a version all of them: gates are judged by each. */
export async function selectApprovals(db: Db, modelVersion?: string): Promise<readonly Approval[]> {
  let query = db.tables<Tables>().selectFrom('approvals').select('record').orderBy('approved_at', 'desc').orderBy('id', 'desc');
  query = modelVersion === undefined ? query.limit(mostListed) : query.where('model_version', '=', modelVersion);
  return (await query.execute()).map((row) => row.record);
}

/** The decisions that a deployment was released on. */
export async function selectSignOffs(
  db: Db,
  { certification, approvals }: Deployment,
): Promise<{ readonly certification?: Certification; readonly approvals: readonly Approval[] }> {
  const tables = db.tables<Tables>();
  const certified =
    certification === undefined
      ? undefined
      : await tables.selectFrom('certifications').select('record').where('id', '=', certification).executeTakeFirst();
  const approved =
    approvals.length === 0 ? [] : await tables.selectFrom('approvals').select('record').where('id', 'in', approvals).execute();
  return { ...(certified === undefined ? {} : { certification: certified.record }), approvals: approved.map(({ record }) => record) };
}
