export const ciServices = ['github', 'gitlab', 'jenkins', 'azure'] as const;
export type CiService = (typeof ciServices)[number];

/** The way of a commit to its last environment, as workflows of CI services are written for it. */
export interface DeliveryPlan {
  /** The branch whose commits are released. */
  readonly base: string;
  /** The environment where application tests run and are certified; left out: none certifies. */
  readonly test?: string;
  /** Where versions are released to. */
  readonly production: string;
  /** The project's folder in the repository, with `/` between; empty for its root. */
  readonly folder: string;
  /** When the base branch is checked although nobody commits: a line of cron, in UTC. */
  readonly cron: string;
}

/** What a stage runs, line by line, in a POSIX shell that ends with the first line that fails. */
export interface StageScripts {
  readonly have: readonly string[];
  readonly ci: readonly string[];
  readonly test: readonly string[];
  readonly certify: readonly string[];
  readonly release: readonly string[];
}

/** What `gyre ci` writes for the stages after it, and for the service. */
export const ciFiles = { variables: 'gyre-ci.env', junit: 'gyre-ci.xml', report: 'gyre-ci.md' } as const;

const onlyWhatIsNew = '[ "$GYRE_RELEASE" = needed ] || { echo "nothing to release: $GYRE_RELEASE"; exit 0; }';

/** @param waitFor how long people have, as `--timeout` takes it: jobs of some services end by themselves */
export function stageScripts({ base, test, production, folder }: DeliveryPlan, waitFor: string): StageScripts {
  const inFolder = folder === '' ? [] : [`cd ${quoted(folder)}`];
  const { variables, junit, report } = ciFiles;
  return {
    have: [
      'command -v gyre || [ -x "$HOME/gyre/gyre" ] || git clone --quiet --depth 1 --branch "${GYRE_REF:-main}" "$GYRE_REPOSITORY" "$HOME/gyre"',
      'export PATH="$PATH:$HOME/gyre"',
      'gyre --version',
    ],
    ci: [...inFolder, `gyre ci --base ${quoted(base)} --junit ${junit} --report ${report} --env ${variables}`],
    test:
      test === undefined
        ? []
        : [
            onlyWhatIsNew,
            `gyre release deploy "$GYRE_MODEL_VERSION" ${quoted(test)} --reason "CI run $GYRE_CI_RUN"`,
            `gyre release test ${quoted(test)}`,
          ],
    certify: [
      onlyWhatIsNew,
      ...(test === undefined
        ? []
        : [`gyre release wait "$GYRE_MODEL_VERSION" ${quoted(production)} --until certified --timeout ${waitFor}`]),
      `gyre release wait "$GYRE_MODEL_VERSION" ${quoted(production)} --until ready --timeout ${waitFor}`,
    ],
    release: [onlyWhatIsNew, `gyre release roll "$GYRE_MODEL_VERSION" ${quoted(production)} --follow --reason "CI run $GYRE_CI_RUN"`],
  };
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Lines below one another, each so many spaces in. */
export function indented(lines: readonly string[], spaces: number): string {
  return lines.map((line) => `${line === '' ? '' : ' '.repeat(spaces)}${line}`).join('\n');
}

/** A text as a YAML scalar in double quotes. */
export const yamlText = (text: string): string => JSON.stringify(text);

/** What a person sets up once, as comments of the file say it. */
export function setUp(where: string): readonly string[] {
  return [
    'What this file needs, once:',
    `  ${where}`,
    '  GYRE_SERVER         the platform, such as https://gyre.example.org; its project lies in a clone of this repository,',
    '                      whose origin gives it the commits',
    '  GYRE_TOKEN          of an identity that builds and deploys for tests: gyre identity add ci --role ml-engineer',
    '  GYRE_RELEASE_TOKEN  of an identity that releases: gyre identity add cd --role operator',
    '  GYRE_REPOSITORY     where Gyre is cloned from, unless the machine has gyre on its PATH; GYRE_REF: which version of it (name a tag)',
    'Neither token may certify or approve. People do that in Gyre, under "Waiting for you", and what they decide is signed',
    'there; the stage "certify" waits for it.',
  ];
}
