/**
 * The rules of the layer picture, checked on source text: who imports whom, no cycles, purity, file size, and
 * words that must not stay in code. Works on any map of paths to texts, so that its own tests can show it bad ones.
 */

import { posix } from 'node:path';
import { layerOf, MAX_FILE_LINES, mayImport } from './layers.ts';
import { codeOf, importsOf } from './source-text.ts';

/** Paths from the repository's root, with `/`, to file contents. */
export type Sources = ReadonlyMap<string, string>;

/** What pure code would need from outside: it must be passed in. */
const IMPURE =
  /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|crypto\.|process\.|setTimeout|setInterval|setImmediate)/;
/** A top-level statement (column 0) that starts something by being imported. */
const STARTS_AT_IMPORT =
  /^(?:(?:export )?(?:const|let) [\w$]+[^=\n]*= )?(?:setTimeout|setInterval|setImmediate|process\.on(?:ce)?)\(/m;
// written so that this line does not find itself
const LEFTOVERS = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/;

/** The folder of the layer table that a path below src belongs to: `src/net/channel.ts` → `net`, `src/node.ts` → `node`. */
export function folderOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

/** Everything that breaks a rule, one line each. */
export function violations(sources: Sources): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const imports = importsOf(text);
    const targets = imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(path), specifier));
    graph.set(
      path,
      targets.filter((target) => sources.has(target)),
    );
    for (const problem of fileProblems(path, text, imports, targets)) found.push(`${path}: ${problem}`);
  }
  for (const cycle of cycles(graph)) found.push(`import cycle between files: ${cycle.join(' -> ')}`);
  for (const cycle of cycles(folderGraph(graph)))
    found.push(`import cycle between folders: ${cycle.join(' -> ')}`);
  return found;
}

function* fileProblems(path: string, text: string, imports: string[], targets: string[]): Generator<string> {
  const lines = text.split('\n').length - 1;
  if (lines > MAX_FILE_LINES) yield `${lines} lines, more than ${MAX_FILE_LINES}`;
  if (LEFTOVERS.test(text)) yield `${LEFTOVERS.exec(text)?.[0]} left in the file`;
  if (!path.startsWith('src/')) return;

  const folder = folderOf(path);
  const own = layerOf(folder);
  if (own === null) {
    yield `folder ${folder} is in no layer; place it in dev/layers.ts`;
    return;
  }
  const code = codeOf(text, 'blank');
  if (folder !== 'cli') {
    if (/\bconsole\s*\./.test(code)) yield 'console outside src/cli; use the injected Log';
    if (STARTS_AT_IMPORT.test(code)) yield 'a timer or process handler is started by importing the file';
  }
  for (const target of targets) {
    if (!target.startsWith('src/')) yield `imports ${target}, which is outside src`;
    else if (!mayImport(folder, folderOf(target)))
      yield `${folder} must not import ${folderOf(target)} (${target})`;
  }
  if (own.layer.pure === undefined) return;
  const { packages } = own.layer.pure;
  for (const specifier of imports) {
    if (specifier.startsWith('.')) continue;
    const allowed = packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    if (!allowed) yield `pure layer ${folder} imports ${specifier}`;
  }
  const impure = IMPURE.exec(code)?.[0];
  if (impure !== undefined) yield `pure layer ${folder} uses ${impure}; take it as an argument`;
}

/** Folders as nodes; a folder and the one it lies in may use each other, being one part of the picture. */
function folderGraph(files: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const graph = new Map<string, Set<string>>();
  for (const [path, targets] of files) {
    const from = posix.dirname(path);
    const edges = graph.get(from) ?? new Set();
    graph.set(from, edges);
    for (const target of targets) {
      const to = posix.dirname(target);
      const nested = `${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`);
      if (!nested) edges.add(to);
    }
  }
  return new Map([...graph].map(([from, edges]) => [from, [...edges]]));
}

/** One cycle for every node from which a walk returns to a node on its way; each cycle is reported once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found = new Map<string, string[]>();
  const done = new Set<string>();
  const walk = (node: string, way: string[]): void => {
    const at = way.indexOf(node);
    if (at >= 0) {
      const cycle = way.slice(at);
      found.set(cycle.toSorted().join(), [...cycle, node]);
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) walk(next, [...way, node]);
    done.add(node);
  };
  for (const node of graph.keys()) walk(node, []);
  return [...found.values()];
}
