import { ciFiles, indented, quoted, setUp, stageScripts, yamlText, type DeliveryPlan } from './delivery-plan.ts';

/** actions/checkout 6.1.0: named by its commit, since a tag can be moved. */
const checkout = 'actions/checkout@d23441a48e516b6c34aea4fa41551a30e30af803 # v6.1.0';
/** Jobs of GitHub's own machines end after 360 minutes. */
const waitFor = '340m';

/** A workflow of GitHub Actions. */
export function githubWorkflow(plan: DeliveryPlan): string {
  const scripts = stageScripts(plan, waitFor);
  const { base, folder, cron, test, production } = plan;
  const step = (name: string, lines: readonly string[]): string =>
    indented([`- name: ${name}`, '  run: |', ...lines.map((line) => `    ${line}`)], 6);
  const have = step('Have Gyre', [...scripts.have, 'echo "$HOME/gyre" >> "$GITHUB_PATH"']);
  const variables = folder === '' ? ciFiles.variables : `${folder}/${ciFiles.variables}`;
  const handed = ['GYRE_CI_RUN', 'GYRE_MODEL_VERSION', 'GYRE_RELEASE'];
  const later = (name: string, needs: string, token: string, body: string, group: string, cancel: boolean): string => `
  ${name}:
    needs: [${needs}]
    if: github.ref == 'refs/heads/${base.replaceAll("'", "''")}' && github.event_name != 'pull_request'
    runs-on: ubuntu-24.04
    timeout-minutes: 360
    permissions: {}
    concurrency:
      group: ${group}
      cancel-in-progress: ${String(cancel)}
    env:
      GYRE_SERVER: \${{ secrets.GYRE_SERVER }}
      GYRE_TOKEN: \${{ secrets.${token} }}
      GYRE_REPOSITORY: \${{ vars.GYRE_REPOSITORY }}
      GYRE_REF: \${{ vars.GYRE_REF }}
${handed.map((one) => `      ${one}: \${{ needs.ci.outputs.${one} }}`).join('\n')}
    steps:
${have}
${body}
`;
  return `${setUp('secrets and variables of the repository (Settings, Secrets and variables, Actions); the last two lines are variables')
    .map((line) => `# ${line}`)
    .join('\n')}
# When the time of a waiting job is over, "Re-run failed jobs" waits on: what went before stays as it is. Pull requests from forks
# see no secrets: they are checked on the runner, by themselves, and the report is in the log.
name: gyre
on:
  pull_request:
  push:
    branches: [${yamlText(base)}]
  schedule:
    - cron: ${yamlText(cron)}
  workflow_dispatch:
permissions: {}
jobs:
  ci:
    runs-on: ubuntu-24.04
    timeout-minutes: 360
    permissions:
      contents: read
      pull-requests: write
    concurrency:
      group: gyre-ci-\${{ github.ref }}
      cancel-in-progress: \${{ github.event_name == 'pull_request' }}
    env:
      GYRE_SERVER: \${{ secrets.GYRE_SERVER }}
      GYRE_TOKEN: \${{ secrets.GYRE_TOKEN }}
      GYRE_REPOSITORY: \${{ vars.GYRE_REPOSITORY }}
      GYRE_REF: \${{ vars.GYRE_REF }}
      GITHUB_TOKEN: \${{ github.token }}
    outputs:
${handed.map((one) => `      ${one}: \${{ steps.hand-on.outputs.${one} }}`).join('\n')}
    steps:
      - uses: ${checkout}
        with:
          fetch-depth: 0
          persist-credentials: false
          ref: \${{ github.event.pull_request.head.sha || github.sha }}
${have}
${step('Check the commit', scripts.ci)}
      - name: Hand on what was registered
        id: hand-on
        run: |
          cat ${quoted(variables)} >> "$GITHUB_OUTPUT"
${
  test === undefined ? '' : later('test', 'ci', 'GYRE_TOKEN', step('Run the application tests', scripts.test), 'gyre-test', false)
}${later('certify', test === undefined ? 'ci' : 'ci, test', 'GYRE_TOKEN', step('Wait for the people', scripts.certify), 'gyre-certify', true)}${later(
    'release',
    'ci, certify',
    'GYRE_RELEASE_TOKEN',
    step(`Release to ${production}`, scripts.release),
    'gyre-release',
    false,
  )}`;
}
