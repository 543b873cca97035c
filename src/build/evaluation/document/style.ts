/** The pages' look: custom properties, dark when the reader's system is. Contrast at least 4.5 for text in both. */
export const style = `
:root { color-scheme: light dark; --ground: #ffffff; --raised: #f4f6f8; --ink: #17202a; --quiet: #52606d; --rule: #d5dce3; --accent: #0b63b5; --second: #a4500a; --good: #14692f; --bad: #b3241b; --warning: #8a5300; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12171d; --raised: #1b222b; --ink: #e6ebf0; --quiet: #a5b1bd; --rule: #36414d; --accent: #6fb4f5; --second: #f0a35e; --good: #6fd08c; --bad: #ff8f85; --warning: #f0bf6a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--rule); }
p, ul { max-width: 46rem; }
.subtitle { color: var(--quiet); margin-top: 0; overflow-wrap: anywhere; }
.note { border-left: 4px solid var(--rule); background: var(--raised); padding: .6rem .9rem; margin: .6rem 0; }
.note.good { border-color: var(--good); } .note.bad { border-color: var(--bad); } .note.warning { border-color: var(--warning); }
.note strong { white-space: nowrap; } .good > strong, span.good { color: var(--good); } .bad > strong, span.bad { color: var(--bad); } .warning > strong, span.warning { color: var(--warning); }
span.good, span.bad, span.warning { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.25rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } }
pre { background: var(--raised); padding: .8rem 1rem; overflow-x: auto; border-radius: 4px; }
.scroll { overflow-x: auto; margin: .75rem 0 1.25rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); padding-bottom: .4rem; }
th, td { text-align: left; padding: .35rem .8rem; border-bottom: 1px solid var(--rule); vertical-align: top; font-weight: normal; }
thead th { font-weight: 600; } .number { text-align: right; white-space: nowrap; }
.figures { display: flex; flex-wrap: wrap; gap: 1.25rem; }
figure { margin: 0; } figcaption { color: var(--quiet); font-size: .9rem; max-width: 20rem; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } svg .value { fill: var(--ink); }
svg .axis { stroke: var(--rule); fill: none; } svg .line { stroke: var(--accent); stroke-width: 2; fill: none; } svg .guide { stroke: var(--quiet); stroke-dasharray: 4 4; fill: none; }
svg .dot, svg .bar { fill: var(--accent); } svg .whisker { stroke: var(--second); stroke-width: 2; } svg .cell { fill: var(--accent); }
`;
