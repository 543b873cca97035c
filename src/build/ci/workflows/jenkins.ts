import { ciFiles, indented, quoted, setUp, stageScripts, type DeliveryPlan } from './delivery-plan.ts';

const waitFor = '3d';

/** A declarative pipeline of Jenkins. */
export function jenkinsPipeline(plan: DeliveryPlan): string {
  const scripts = stageScripts(plan, waitFor);
  const { base, folder, test, cron, production } = plan;
  const at = (file: string): string => (folder === '' ? file : `${folder}/${file}`);
  const path = 'export PATH="$PATH:$HOME/gyre"';
  const read = `set -a; . ${quoted(`./${at(ciFiles.variables)}`)}; set +a`;
  const sh = (lines: readonly string[]): string =>
    indented(["sh '''", ...['set -eu', ...lines].map((line) => `  ${groovyText(line)}`), "'''"], 8);
  const later = (name: string, lines: readonly string[], token: string): string => `
    stage('${name}') {
      when { branch '${groovyText(base)}' }
      environment { GYRE_TOKEN = credentials('${token}') }
      steps {
${sh([path, read, ...lines])}
      }
    }`;
  return `${setUp(
    'credentials of the kind "Secret text", called gyre-server, gyre-token and gyre-release-token; the rest as variables of the agent',
  )
    .map((line) => `// ${line}`)
    .join('\n')}
// A multibranch pipeline: branches and pull requests are found by its branch source; the latter by their own head, not merged, since the
// platform fetches what was pushed. Those of forks are not checked: they would have the token. The plugins Pipeline, Git, Credentials
// Binding, JUnit.
pipeline {
  agent any
  options {
    disableConcurrentBuilds()
    timeout(time: 8, unit: 'DAYS')
  }
  triggers { cron(env.BRANCH_NAME == '${groovyText(base)}' ? 'TZ=UTC\\n${groovyText(cron)}' : '') }
  environment { GYRE_SERVER = credentials('gyre-server') }
  stages {
    stage('ci') {
      when { expression { env.CHANGE_FORK == null } }
      environment { GYRE_TOKEN = credentials('gyre-token') }
      steps {
${sh([...scripts.have, ...scripts.ci])}
      }
      post {
        always {
          junit testResults: '${groovyText(at(ciFiles.junit))}', allowEmptyResults: true
          archiveArtifacts artifacts: '${groovyText(at(ciFiles.report))}', allowEmptyArchive: true
        }
      }
    }${test === undefined ? '' : later('test', scripts.test, 'gyre-token')}${later('certify', scripts.certify, 'gyre-token')}${later('release', scripts.release, 'gyre-release-token').replace("stage('release')", `stage('release to ${groovyText(production)}')`)}
  }
}
`;
}

/** A text within '…' or '''…''' of Groovy. */
function groovyText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`);
}
