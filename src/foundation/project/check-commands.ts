import type { CommandStep } from '#contract';
import type { CheckContext } from './check-context.ts';
import { parsed } from './check-context.ts';
import { fileNames, parseItemPattern, pathFault, templateFault } from './item-pattern.ts';
import type { ItemPattern } from './item-pattern.ts';
import type { Finding, PathStep } from './problems.ts';
import { isCredentialName } from './references.ts';
import { suggestionFor } from './suggest.ts';

/** What means something only where a step has items. */
const ofItems = ['batch', 'parallel', 'retries', 'on_error', 'allow_failed'] as const;

/** What does not hold in a step that runs a command. */
export function checkCommandStep(context: CheckContext, name: string, step: CommandStep): Finding[] {
  const path = ['steps', name];
  return [...checkAfter(context, name, step), ...checkEnvironment(step, path), ...checkPaths(step, path), ...checkItems(step, path)];
}

function checkAfter(context: CheckContext, name: string, step: CommandStep): Finding[] {
  const { steps } = context.project;
  return (step.after ?? []).flatMap((other, index): Finding[] => {
    if (Object.hasOwn(steps, other)) return [];
    const suggestion = suggestionFor(other, Object.keys(steps), 'steps');
    return [
      {
        path: ['steps', name, 'after', index],
        message: `there is no step "${other}"`,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    ];
  });
}

function checkEnvironment(step: CommandStep, path: readonly PathStep[]): Finding[] {
  return Object.keys(step.env ?? {})
    .filter(isCredentialName)
    .map((variable) => ({
      path: [...path, 'env', variable],
      message: 'a credential is written down here, and would be kept with every run',
      suggestion: 'let the command read it from a file outside of the project',
    }));
}

/** A path that leaves the project would be read, written and taken away where nobody looks for it. */
function checkPaths(step: CommandStep, path: readonly PathStep[]): Finding[] {
  if (step.per_file !== undefined || step.group !== undefined) return [];
  return (step.outs ?? []).flatMap((out, index): Finding[] => {
    const fault = pathFault(out) ?? (out.endsWith('/') ? 'is a folder; each output is a file' : undefined);
    return fault === undefined ? [] : [{ path: [...path, 'outs', index], message: `"${out}" ${fault}` }];
  });
}

function checkItems(step: CommandStep, path: readonly PathStep[]): Finding[] {
  const { per_file, group } = step;
  if (per_file !== undefined && group !== undefined)
    return [{ path: [...path, 'group'], atKey: true, message: 'stands beside "per_file"', suggestion: 'keep one of the two' }];
  if (per_file === undefined && group === undefined) {
    return ofItems
      .filter((key) => step[key] !== undefined)
      .map((key) => ({
        path: [...path, key],
        atKey: true,
        message: `"${key}" is for a step with items`,
        suggestion: 'add "per_file" or "group", or remove it',
      }));
  }
  const [key, text] = per_file === undefined ? (['group', group ?? ''] as const) : (['per_file', per_file] as const);
  const pattern = parsed([...path, key], () => parseItemPattern(text));
  if ('finding' in pattern) return [pattern.finding];
  return [...checkPattern(key, pattern.value, [...path, key]), ...checkTemplates(step, key, pattern.value, path)];
}

function checkPattern(key: 'per_file' | 'group', pattern: ItemPattern, path: readonly PathStep[]): Finding[] {
  if (key === 'group' && pattern.names.length === 0) {
    return [
      {
        path,
        message: `"${pattern.text}" names nothing that files are grouped by`,
        suggestion: 'such as "logs/{day}/*.log"; for an item a file there is "per_file"',
      },
    ];
  }
  const taken = key === 'per_file' ? pattern.names.find((name) => (fileNames as readonly string[]).includes(name)) : undefined;
  return taken === undefined ? [] : [{ path, message: `"{${taken}}" is a name that every file has`, suggestion: 'call it something else' }];
}

function checkTemplates(step: CommandStep, key: 'per_file' | 'group', pattern: ItemPattern, path: readonly PathStep[]): Finding[] {
  const names = key === 'per_file' ? [...fileNames, ...pattern.names] : pattern.names;
  return (step.outs ?? []).flatMap((out, index): Finding[] => {
    const fault = templateFault(out, names);
    return fault === undefined ? [] : [{ path: [...path, 'outs', index], message: `"${out}" ${fault}` }];
  });
}

/** Two steps that write one file would overwrite each other's work. */
export function checkOutputs(context: CheckContext): Finding[] {
  const owners = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [name, step] of Object.entries(context.project.steps)) {
    if (!('run' in step)) continue;
    (step.outs ?? []).forEach((out, index) => {
      const owner = owners.get(out);
      if (owner === undefined) owners.set(out, name);
      else findings.push({ path: ['steps', name, 'outs', index], message: `"${out}" is written by step "${owner}" already` });
    });
  }
  return findings;
}
