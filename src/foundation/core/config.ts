import { GyreError } from './errors.ts';

export type ConfigValue = string | number | boolean;
export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

/** One setting: its environment variable, its default, and what it is for. Its type is its default's type. */
export interface Setting<T extends ConfigValue = ConfigValue> {
  readonly env: string;
  readonly default: T;
  readonly help: string;
  /** For settings that hold a credential: the value is printed as `***`. */
  readonly secret?: boolean;
}

export type Settings = Readonly<Record<string, Setting>>;

type Widened<T extends ConfigValue> = T extends string ? string : T extends number ? number : boolean;
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: Widened<S[K]['default']> };

export interface ResolvedSetting {
  readonly name: string;
  readonly value: ConfigValue;
  readonly source: ConfigSource;
  /** The flag, variable or file the value came from. */
  readonly from: string;
  readonly help: string;
}

export interface ConfigInputs {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly path: string; readonly values: Readonly<Record<string, unknown>> };
}

/**
 * Settles each setting by precedence flag > environment > file > default.
 * @returns the values, and for each the source it came from (for `gyre config`)
 * @throws GyreError INVALID_ARGUMENT naming the source when a value has the wrong type
 */
export function resolveConfig<S extends Settings>(
  settings: S,
  inputs: ConfigInputs,
): { readonly values: ConfigOf<S>; readonly resolved: readonly ResolvedSetting[] } {
  const resolved = Object.entries(settings).map(([name, setting]): ResolvedSetting => {
    const flag = inputs.flags?.[name];
    const variable = inputs.environment?.[setting.env];
    const fromFile = inputs.file?.values[name];
    const [raw, source, from]: [unknown, ConfigSource, string] =
      flag !== undefined
        ? [flag, 'flag', `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`]
        : variable !== undefined && variable !== ''
          ? [variable, 'environment', setting.env]
          : fromFile !== undefined
            ? [fromFile, 'file', inputs.file?.path ?? '']
            : [setting.default, 'default', 'default'];
    return { name, value: convert(raw, setting.default, from), source, from, help: setting.help };
  });
  const values = Object.fromEntries(resolved.map(({ name, value }) => [name, value])) as ConfigOf<S>;
  return {
    values,
    resolved: resolved.map((entry) => (settings[entry.name].secret && entry.value !== '' ? { ...entry, value: '***' } : entry)),
  };
}

function convert(raw: unknown, like: ConfigValue, from: string): ConfigValue {
  if (typeof raw === typeof like) return raw as ConfigValue;
  const text = String(raw);
  if (typeof like === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (typeof like === 'boolean' && /^(true|false|1|0)$/.test(text)) return text === 'true' || text === '1';
  if (typeof like === 'string' && typeof raw === 'number') return text;
  throw new GyreError('INVALID_ARGUMENT', `${from}: "${text}" is not a ${typeof like}`);
}
