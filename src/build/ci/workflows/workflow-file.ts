import { sha256 } from '#core';
import { azurePipeline } from './azure.ts';
import type { CiService, DeliveryPlan } from './delivery-plan.ts';
import { githubWorkflow } from './github.ts';
import { gitlabPipeline } from './gitlab.ts';
import { jenkinsPipeline } from './jenkins.ts';

const files: Readonly<
  Record<CiService, { readonly path: string; readonly comment: string; readonly text: (plan: DeliveryPlan) => string }>
> = {
  github: { path: '.github/workflows/gyre.yml', comment: '#', text: githubWorkflow },
  gitlab: { path: '.gitlab-ci.yml', comment: '#', text: gitlabPipeline },
  jenkins: { path: 'Jenkinsfile', comment: '//', text: jenkinsPipeline },
  azure: { path: 'azure-pipelines.yml', comment: '#', text: azurePipeline },
};

const mark = /^(?:#|\/\/) Written by "gyre cd init \w+" for (".*?"); the digest of what follows: ([0-9a-f]{64})\n/;

/** The file that a CI service reads, with a mark that says who wrote it. @returns its path from the repository's root, and its text */
export function workflowFile(service: CiService, plan: DeliveryPlan): { readonly path: string; readonly text: string } {
  const { path, comment, text } = files[service];
  const rest = text(plan);
  return {
    path,
    text: `${comment} Written by "gyre cd init ${service}" for ${JSON.stringify(placeOf(plan))}; the digest of what follows: ${sha256(rest)}\n${rest}`,
  };
}

/** The project's folder, as a mark has it. */
const placeOf = ({ folder }: Pick<DeliveryPlan, 'folder'>): string => (folder === '' ? '.' : folder);

/**
 * Whether a file is as it was written here for this very project: then nobody's work is lost when it is written anew.
 * @returns the folder of another project that it was written for; false when it is not as Gyre wrote it
 */
export function isAsWritten(text: string, plan: Pick<DeliveryPlan, 'folder'>): boolean | string {
  const found = mark.exec(text);
  if (found === null || sha256(text.slice(found[0].length)) !== found[2]) return false;
  const place = JSON.parse(found[1]) as string;
  return place === placeOf(plan) ? true : place;
}
