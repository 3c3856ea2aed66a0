"""The style sheet of the page of an evaluation."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bar: #3b82f640 }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 1080px; margin: auto; padding: 16px 20px 60px }
h1 { font-size: 22px } h2 { font-size: 18px; margin: 32px 0 8px }
h3 { font-size: 15px; margin: 16px 0 4px }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: 8px 0; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: 3px 10px; text-align: right }
th:first-child { text-align: left } th { font-weight: 600 } td { max-width: 60ch }
.chip { border-radius: 99px; padding: 1px 10px; font-size: 13px; font-weight: 600; color: #fff }
.good { background: #15803d } .bad { background: #b91c1c } .open { background: #6b7280 }
.text th, .text td { text-align: left; overflow-wrap: anywhere }
.text tr:first-child:has(th:empty) { display: none }
.warn { border-left: 4px solid #d97706; padding: 6px 12px; background: var(--soft) }
.bar { display: block; padding: 0 4px;
  background: linear-gradient(90deg, var(--bar) var(--w), transparent 0) }
.matrix table { font-size: 11px } .matrix th, .matrix td { padding: 0; border: 0 }
.matrix th { padding: 2px 4px } .cell { display: block; padding: 4px 3px; min-width: 34px }
.own { outline: 2px solid currentColor; outline-offset: -2px }
figure { margin: 12px 0 20px } figcaption { font-weight: 600; margin-bottom: 2px }
.strips { display: grid; grid-template-columns: 84px 1fr; align-items: center; gap: 2px 8px;
  max-width: 960px }
.strips img { width: 100%; display: block } .name, .heads { font-size: 12px; opacity: .8 }
.name { overflow-wrap: anywhere }
.heads { display: grid; grid-template-columns: repeat(var(--n), 1fr); text-align: center }
dt { font-weight: 600; margin-top: 8px } dd { margin: 0; max-width: 80ch }
"""
