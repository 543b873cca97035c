import { readFile } from 'node:fs/promises';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a CI service tells a job of what it is for. */
export interface Surroundings {
  readonly service?: 'github' | 'gitlab' | 'jenkins' | 'azure';
  readonly branch?: string;
  /** The branch that a pull request wants to come to. */
  readonly base?: string;
}

const filled = (...values: readonly (string | undefined)[]): string | undefined =>
  values.find((value) => value !== undefined && value !== '');
const shortBranch = (ref: string | undefined): string | undefined => ref?.replace(/^refs\/heads\//, '');

/**
 * Reads what GitHub Actions, GitLab CI, Jenkins (multibranch pipelines) and Azure Pipelines put into the environment of a job, as their documentation has
 * it: "Default environment variables", "Predefined CI/CD variables", "Environment Variables" and "Predefined variables".
 */
export function surroundings(environment: Environment): Surroundings {
  const found = (service: Surroundings['service'], branch: string | undefined, base: string | undefined): Surroundings => ({
    ...(service === undefined ? {} : { service }),
    ...(branch === undefined ? {} : { branch }),
    ...(base === undefined ? {} : { base }),
  });
  const e = environment;
  if (e['GITHUB_ACTIONS'] === 'true') return found('github', filled(e['GITHUB_HEAD_REF'], e['GITHUB_REF_NAME']), filled(e['GITHUB_BASE_REF'])); // prettier-ignore
  if (e['GITLAB_CI'] === 'true')
    return found(
      'gitlab',
      filled(e['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME'], e['CI_COMMIT_BRANCH'], e['CI_COMMIT_REF_NAME']),
      filled(e['CI_MERGE_REQUEST_TARGET_BRANCH_NAME']),
    );
  if (e['TF_BUILD'] === 'True')
    return found(
      'azure',
      shortBranch(filled(e['SYSTEM_PULLREQUEST_SOURCEBRANCH'], e['BUILD_SOURCEBRANCH'])),
      shortBranch(filled(e['SYSTEM_PULLREQUEST_TARGETBRANCH'])),
    );
  if (filled(e['JENKINS_URL']) !== undefined)
    return found('jenkins', filled(e['CHANGE_BRANCH'], e['BRANCH_NAME']), filled(e['CHANGE_TARGET']));
  return {};
}

/** The number of the pull request that a job of GitHub Actions is for; undefined for none. */
export async function githubPullRequest(environment: Environment): Promise<number | undefined> {
  const file = filled(environment['GITHUB_EVENT_PATH']);
  if (file !== undefined) {
    const event = await readFile(file, 'utf8').then((text): unknown => JSON.parse(text), () => undefined); // prettier-ignore
    const request = memberOf(event, 'pull_request');
    const number = memberOf(request, 'number');
    if (typeof number === 'number') return number;
  }
  const number = /^refs\/pull\/(\d+)\//.exec(environment['GITHUB_REF'] ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined;
}
