import type { InputColumn, Signature } from '#contract';

/** Why the version in production cannot be asked with the rows of another, or its answers not be compared; undefined when they can. */
export function whyIncomparable(candidate: Signature, production: Signature): string | undefined {
  if (candidate.task !== production.task) {
    return `the version in production is for ${production.task ?? 'no task'}, not for ${candidate.task ?? 'no task'}`;
  }
  const ours = new Map(candidate.inputs.map((column) => [column.name, column]));
  const theirs = new Map(production.inputs.map((column) => [column.name, column]));
  const apart = [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((name) => {
    const why = otherwise(ours.get(name), theirs.get(name));
    return why === undefined ? [] : [`"${name}" ${why}`];
  });
  if (apart.length > 0) return `the version in production takes other columns: ${apart.join(', ')}`;
  const classes = (one: Signature): string => one.classes.toSorted().join(', ');
  if (classes(candidate) !== classes(production)) {
    return `the version in production says other classes: ${classes(production)} instead of ${classes(candidate)}`;
  }
  return undefined;
}

function otherwise(ours: InputColumn | undefined, theirs: InputColumn | undefined): string | undefined {
  if (theirs === undefined) return 'is not one of them';
  if (ours === undefined) return 'is one of them only there';
  if ((ours.image === undefined) !== (theirs.image === undefined)) return 'is a picture in one of the two';
  const fits = theirs.datatype === ours.datatype && (theirs.type === ours.type || (theirs.type === 'number' && ours.type === 'integer'));
  if (!fits) return `is ${theirs.type} there and ${ours.type} here`;
  return theirs.required && !ours.required ? 'may not be missing there' : undefined;
}
