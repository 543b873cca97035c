import { ciFiles, indented, setUp, stageScripts, yamlText, type DeliveryPlan } from './delivery-plan.ts';

const waitFor = '71h';

/** A pipeline of GitLab CI. */
export function gitlabPipeline(plan: DeliveryPlan): string {
  const scripts = stageScripts(plan, waitFor);
  const { folder, test, base } = plan;
  const at = (file: string): string => (folder === '' ? file : `${folder}/${file}`);
  const script = (lines: readonly string[]): string =>
    indented(
      [...lines].map((line) => `- ${yamlText(line)}`),
      4,
    );
  const later = (name: string, lines: readonly string[], needs: string, more: readonly string[]): string => `
${name}:
  stage: ${name}
  needs: [${needs}]
  rules: *base-branch
${indented(more, 2)}
  script:
${script(lines)}
`;
  return `${setUp('masked and protected variables of the project (Settings, CI/CD, Variables), GYRE_TOKEN unprotected for merge requests')
    .map((line) => `# ${line}`)
    .join('\n')}
#   GITLAB_TOKEN        a project access token with the scope api, that writes the note on merge requests; without it they are printed
# Checked by the clock: make a pipeline schedule (Build, Pipeline schedules) with ${yamlText(plan.cron)} for ${base}.
# The runner's own limit must be longer than the wait: Settings, CI/CD, Runners, "Maximum job timeout".
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == ${yamlText(base)}

default:
  image: node:24-bookworm
  interruptible: false
  before_script:
${script(scripts.have)}

variables:
  GIT_DEPTH: "0"

stages: [ci, ${test === undefined ? '' : 'test, '}certify, release]

.base-branch: &base-branch
  - if: $CI_COMMIT_BRANCH == ${yamlText(base)}

ci:
  stage: ci
  timeout: 6h
  script:
${script(scripts.ci)}
  artifacts:
    when: always
    expire_in: 30 days
    paths: [${yamlText(at(ciFiles.report))}]
    reports:
      junit: ${yamlText(at(ciFiles.junit))}
      dotenv: ${yamlText(at(ciFiles.variables))}
${test === undefined ? '' : later('test', scripts.test, 'ci', ['timeout: 6h', 'resource_group: gyre-test'])}${later('certify', scripts.certify, test === undefined ? 'ci' : 'ci, test', ['timeout: 72h'])}${later(
    'release',
    ['export GYRE_TOKEN="$GYRE_RELEASE_TOKEN"', ...scripts.release],
    'ci, certify',
    ['timeout: 72h', 'resource_group: gyre-release', 'environment:', `  name: ${yamlText(plan.production)}`],
  )}`;
}
