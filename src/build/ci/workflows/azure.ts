import { ciFiles, indented, quoted, setUp, stageScripts, yamlText, type DeliveryPlan } from './delivery-plan.ts';

const waitFor = '340m';
/** What a build that gets no secrets, such as a fork's, has in place of their values. */
const withoutSecrets = `case "$GYRE_SERVER" in '$('*) unset GYRE_SERVER GYRE_TOKEN;; esac`;

/** A pipeline of Azure Pipelines. */
export function azurePipeline(plan: DeliveryPlan): string {
  const scripts = stageScripts(plan, waitFor);
  const { base, folder, test, cron, production } = plan;
  const at = (file: string): string => (folder === '' ? file : `${folder}/${file}`);
  const script = (name: string, lines: readonly string[], env: readonly string[]): string =>
    indented(
      [
        '- script: |',
        ...['set -eu', ...lines].map((line) => `    ${line}`),
        `  displayName: ${name}`,
        '  env:',
        ...env.map((line) => `    ${line}`),
      ],
      10,
    );
  const secrets = (token: string): readonly string[] => ['GYRE_SERVER: $(GYRE_SERVER)', `GYRE_TOKEN: $(${token})`];
  const handed = ['GYRE_CI_RUN', 'GYRE_MODEL_VERSION', 'GYRE_RELEASE'];
  const later = (name: string, after: string, title: string, lines: readonly string[], token: string, lock: string): string => `
  - stage: ${name}
    dependsOn: [${after}]
    condition: and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/${base.replaceAll("'", "''")}'), ne(variables['Build.Reason'], 'PullRequest'))
    lockBehavior: ${lock}
    jobs:
      - job: ${name}
        timeoutInMinutes: "360"
        variables:
${handed.map((one) => `          ${one}: $[ stageDependencies.ci.ci.outputs['hand_on.${one}'] ]`).join('\n')}
        steps:
          - checkout: none
${script(title, [...scripts.have, ...lines], secrets(token))}
`;
  return `${setUp('secret variables of the pipeline (Edit, Variables); GYRE_REPOSITORY and GYRE_REF plain ones')
    .map((line) => `# ${line}`)
    .join('\n')}
# Two releases wait for each other where the pipeline uses a resource with an exclusive lock (an environment's "Approvals and checks");
# lockBehavior says how. Pull requests in Azure Repos are checked where a branch policy asks for this pipeline (build validation).
trigger:
  branches:
    include: [${yamlText(base)}]
pr:
  branches:
    include: [${yamlText(base)}]
schedules:
  - cron: ${yamlText(cron)}
    displayName: by the clock
    always: "true"
    branches:
      include: [${yamlText(base)}]
pool:
  vmImage: ubuntu-24.04
stages:
  - stage: ci
    jobs:
      - job: ci
        timeoutInMinutes: "360"
        steps:
          - checkout: self
            fetchDepth: "0"
            persistCredentials: "false"
${script('Check the commit', [withoutSecrets, ...scripts.have, ...scripts.ci], secrets('GYRE_TOKEN'))}
          - script: |
              while IFS='=' read -r name value; do echo "##vso[task.setvariable variable=$name;isOutput=true]$value"; done < ${quoted(at(ciFiles.variables))}
            name: hand_on
            displayName: Hand on what was registered
          - task: PublishTestResults@2
            condition: always()
            inputs:
              testResultsFormat: JUnit
              testResultsFiles: ${yamlText(at(ciFiles.junit))}
              failTaskOnMissingResultsFile: false
${test === undefined ? '' : later('test', 'ci', 'Run the application tests', scripts.test, 'GYRE_TOKEN', 'sequential')}${later('certify', test === undefined ? 'ci' : 'ci, test', 'Wait for the people', scripts.certify, 'GYRE_TOKEN', 'runLatest')}${later('release', 'ci, certify', `Release to ${production}`, scripts.release, 'GYRE_RELEASE_TOKEN', 'sequential')}`;
}
