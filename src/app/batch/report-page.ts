/** What the pages that the command writes have in common: each is one file that needs nothing from anywhere else. */

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A PNG as the address of a picture in the page itself. */
export function pngAddress(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`
}

/** Green for, magenta against, as in all pictures of weights. */
export const reportStyle = `
:root { color-scheme: light dark; --line: #8884; --quiet: #777; --for: #4dac26; --against: #d01c8b; --bar: #4a7fb5; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin: 0; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 1rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
summary h2 { display: inline-block; width: calc(100% - 1.5rem); margin: .6rem 0; }
summary { cursor: pointer; }
details[open] > .pair { margin: .6rem 0 1.5rem; }
h2 .number { float: right; font-weight: 400; font-variant-numeric: tabular-nums; }
.lead { font-size: 1.2rem; margin: .3rem 0 1.2rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 2rem; align-items: start; }
.pair h2 { margin-top: 0; }
figure { margin: 0; }
img { max-width: 100%; background: #fff; }
figure > img { width: 100%; display: block; border-radius: 4px; }
figcaption { color: var(--quiet); font-size: .9rem; padding-top: .4rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); font-size: .9rem; padding-bottom: .4rem; }
td, th { padding: .2rem .5rem .2rem 0; text-align: left; font-weight: 400; }
td:last-child { text-align: right; white-space: nowrap; padding-right: 0; }
.answers .meter { width: 50%; }
.meter span, .weight span { display: block; height: .9rem; border-radius: 2px; min-width: 1px; }
.meter span { background: var(--bar); }
.bars th { width: 4.5rem; }
.bars .weight { width: 60%; background: linear-gradient(var(--line), var(--line)) center / 1px 100% no-repeat; padding-right: 0; }
.weight .for { background: var(--for); margin-left: 50%; }
.weight .against { background: var(--against); margin-left: auto; margin-right: 50%; }
.part { display: block; height: 3.2rem; max-width: 4.5rem; object-fit: contain; border-radius: 3px; }
small { color: var(--quiet); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
.key.for { background: var(--for); }
.key.against { background: var(--against); margin-left: .6em; }
.consequence { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; margin-top: 1.2rem; }
.warning { border-left: 4px solid #c77700; padding-left: .8rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .6rem; } .consequence { grid-template-columns: 6rem 1fr; } }
`
