/*
 * Packages that files of an environment name, so that two environments can be held against each other. Pure.
 */

/** Versions by package, as requirements.txt (`name==1.2`) or the lists of conda.yaml (`- name=1.2`) say them. */
export function packagesIn(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const plain = line.replace(/(^|\s)#.*$/, '').trim();
    const match = /^(?:-\s+)?([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(===?|~=|>=|<=|!=|>|<|=)\s*([^\s;,]+)/.exec(plain);
    if (match === null) continue;
    const [, name = '', operator = '', version = ''] = match;
    found.set(name.toLowerCase().replaceAll(/[._]+/g, '-'), /^={1,3}$/.test(operator) ? version : `${operator}${version}`);
  }
  return found;
}

export interface PackageDifference {
  readonly name: string;
  /** Undefined: not there. */
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** Packages that are not the same on both sides, by name. */
export function packageDifferences(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): readonly PackageDifference[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .map((name) => ({ name, left: left.get(name), right: right.get(name) }))
    .filter((one) => one.left !== one.right);
}
