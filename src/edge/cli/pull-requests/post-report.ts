import { appendFile } from 'node:fs/promises';
import { GyreError } from '#core';
import { commentBody } from './comment-body.ts';
import { askForge } from './forge-request.ts';
import { githubPullRequest } from './surroundings.ts';
import type { Environment } from './surroundings.ts';

export const postPlaces = ['auto', 'github', 'gitlab', 'print', 'none'] as const;
export type PostPlace = (typeof postPlaces)[number];

export interface Report {
  readonly markdown: string;
  /** Names what is reported on: a later report on the same takes the place of this one. */
  readonly marker: string;
  /** Where all of it is, in a sentence. */
  readonly whole: string;
}

export interface Posted {
  readonly how: 'posted' | 'updated';
  readonly where: string;
}

/** GitHub's and GitLab's limits on the length of a comment, in characters. */
const longestOnGithub = 65_536;
const longestOnGitlab = 1_000_000;
const pageSize = 100;
const mostPages = 20;

/**
 * Puts the report into a comment on the pull request of a job of GitHub Actions: one that stands there is brought up to date. (REST API "Issue comments",
 * version 2022-11-28.)
 * @throws GyreError FAILED_PRECONDITION where the job is for no pull request or has no token; what `askForge` throws
 */
export async function postToGithub(report: Report, environment: Environment, signal: AbortSignal): Promise<Posted> {
  const token = required(environment, 'GITHUB_TOKEN', 'secrets.GITHUB_TOKEN; pull requests from forks get none that may comment');
  const repository = required(environment, 'GITHUB_REPOSITORY', 'owner/name');
  const number = await githubPullRequest(environment);
  if (number === undefined) throw new GyreError('FAILED_PRECONDITION', 'this job is for no pull request');
  const api = (environment['GITHUB_API_URL'] ?? 'https://api.github.com').replace(/\/+$/, '');
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    'user-agent': 'gyre',
  };
  const issue = `${api}/repos/${repository}/issues`;
  return placed(report, longestOnGithub, {
    list: (page) =>
      askForge({ url: `${issue}/${number}/comments?per_page=${pageSize}&page=${page}`, method: 'GET', headers, token, signal }),
    change: (id, body) => askForge({ url: `${issue}/comments/${id}`, method: 'PATCH', headers, body: { body }, token, signal }),
    add: (body) => askForge({ url: `${issue}/${number}/comments`, method: 'POST', headers, body: { body }, token, signal }),
    where: (answer) => textOf(answer, 'html_url') ?? `${repository}#${number}`,
  });
}

/**
 * As `postToGithub`, into a note on the merge request of a job of GitLab CI. (REST API "Notes".) A job's own token may not write notes: GITLAB_TOKEN holds
 * one of the project with the scope `api`.
 */
export async function postToGitlab(report: Report, environment: Environment, signal: AbortSignal): Promise<Posted> {
  const number = environment['CI_MERGE_REQUEST_IID'] ?? '';
  if (number === '') throw new GyreError('FAILED_PRECONDITION', 'this job is for no merge request');
  const token = required(environment, 'GITLAB_TOKEN', 'a project access token with the scope api; pipelines of forks do not see it');
  const api = required(environment, 'CI_API_V4_URL', 'such as https://gitlab.example.org/api/v4').replace(/\/+$/, '');
  const project = encodeURIComponent(required(environment, 'CI_PROJECT_ID', 'the number of the project'));
  const headers = { 'private-token': token, 'user-agent': 'gyre' };
  const notes = `${api}/projects/${project}/merge_requests/${encodeURIComponent(number)}/notes`;
  return placed(report, longestOnGitlab, {
    list: (page) => askForge({ url: `${notes}?per_page=${pageSize}&page=${page}`, method: 'GET', headers, token, signal }),
    change: (id, body) => askForge({ url: `${notes}/${id}`, method: 'PUT', headers, body: { body }, token, signal }),
    add: (body) => askForge({ url: notes, method: 'POST', headers, body: { body }, token, signal }),
    where: () => `merge request ${number}`,
  });
}

/** Adds the report to the summary page of a job of GitHub Actions. */
export async function addToStepSummary({ markdown }: Report, environment: Environment): Promise<void> {
  const file = environment['GITHUB_STEP_SUMMARY'] ?? '';
  if (file !== '') await appendFile(file, `${markdown}\n`);
}

interface Forge {
  list(page: number): Promise<unknown>;
  change(id: number, body: string): Promise<unknown>;
  add(body: string): Promise<unknown>;
  where(answer: unknown): string;
}

async function placed({ markdown, marker, whole }: Report, limit: number, forge: Forge): Promise<Posted> {
  const body = commentBody(marker, markdown, limit, whole);
  const own = await standing(marker, forge);
  if (own !== undefined) {
    try {
      return { how: 'updated', where: forge.where(await forge.change(own, body)) };
    } catch (error) {
      // Somebody else wrote a comment that begins as ours do: it stays theirs.
      if (!(error instanceof GyreError) || !['PERMISSION_DENIED', 'NOT_FOUND'].includes(error.code)) throw error;
    }
  }
  return { how: 'posted', where: forge.where(await forge.add(body)) };
}

/** The comment that begins with the marker. */
async function standing(marker: string, forge: Forge): Promise<number | undefined> {
  for (let page = 1; page <= mostPages; page++) {
    const comments = await forge.list(page);
    if (!Array.isArray(comments)) throw new GyreError('UNAVAILABLE', 'the comments did not come as a list');
    const found = comments.find((comment) => textOf(comment, 'body')?.startsWith(marker) === true) as { id?: unknown } | undefined;
    if (typeof found?.id === 'number') return found.id;
    if (comments.length < pageSize) return undefined;
  }
  return undefined;
}

function textOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !(name in value)) return undefined;
  const member = (value as Record<string, unknown>)[name];
  return typeof member === 'string' ? member : undefined;
}

function required(environment: Environment, name: string, what: string): string {
  const value = environment[name] ?? '';
  if (value !== '') return value;
  throw new GyreError('FAILED_PRECONDITION', `${name} is not set: ${what}`);
}
