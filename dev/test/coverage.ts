/**
 * Line coverage per folder of src. Counted are lines that hold code at run time: comments, blank lines and types
 * are left out, because node counts them as covered. A file that no test loaded counts with all its lines.
 */

import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { codeOf } from '../source-text.ts';

export interface FileCoverage {
  /** From the repository's root. */
  readonly path: string;
  readonly lines: readonly { readonly line: number; readonly count: number }[];
}

export interface FolderCoverage {
  readonly folder: string;
  readonly lines: number;
  readonly covered: number;
  /** 0..100. */
  readonly percent: number;
  /** Files with uncovered lines, the emptiest first. */
  readonly gaps: readonly { readonly path: string; readonly uncovered: readonly number[] }[];
}

/** Folders whose line coverage is a promise, in per cent. */
const REQUIRED_PERCENT: Readonly<Record<string, number>> = {
  safety: 90,
  wire: 90,
  kem: 90,
  store: 90,
  dht: 90,
  gossip: 90,
  delivery: 90,
  friends: 90,
  chat: 90,
  identity: 90,
  profile: 90,
  'transport-tor': 90,
  net: 90,
};

/** Numbers (from 1) of the lines of a TypeScript file that hold code at run time. */
export function codeLines(text: string): number[] {
  const code = codeOf(stripTypeScriptTypes(text), 'keep').split('\n');
  return code.flatMap((line, i) => (/[^\s;{}()[\],]/.test(line) ? [i + 1] : []));
}

export function folderCoverage(root: string, covered: readonly FileCoverage[]): FolderCoverage[] {
  const counts = new Map(
    covered.map(({ path, lines }) => [path, new Map(lines.map(({ line, count }) => [line, count]))]),
  );
  const folders = new Map<
    string,
    { lines: number; covered: number; gaps: { path: string; uncovered: number[] }[] }
  >();
  for (const path of globSync('src/**/*.ts', { cwd: root }).toSorted()) {
    const lines = codeLines(readFileSync(join(root, path), 'utf8'));
    const uncovered = lines.filter((line) => (counts.get(path)?.get(line) ?? 0) === 0);
    const name = path.split('/').length > 2 ? (path.split('/')[1] as string) : '.';
    const folder = folders.get(name) ?? { lines: 0, covered: 0, gaps: [] };
    folders.set(name, folder);
    folder.lines += lines.length;
    folder.covered += lines.length - uncovered.length;
    if (uncovered.length > 0) folder.gaps.push({ path, uncovered });
  }
  return [...folders].map(([folder, { lines, covered: hit, gaps }]) => ({
    folder,
    lines,
    covered: hit,
    percent: lines === 0 ? 100 : (100 * hit) / lines,
    gaps: gaps.toSorted((a, b) => b.uncovered.length - a.uncovered.length),
  }));
}

/** One line for each folder that is below its promise, with where to look. */
export function coverageShortfalls(folders: readonly FolderCoverage[]): string[] {
  return folders.flatMap(({ folder, percent, gaps }) => {
    const required = REQUIRED_PERCENT[folder];
    if (required === undefined || percent >= required) return [];
    const worst = gaps.slice(0, 5).map(({ path, uncovered }) => `${path}: ${ranges(uncovered)}`);
    return [
      `line coverage of src/${folder} is ${percent.toFixed(1)} %, below ${required} %\n  ${worst.join('\n  ')}`,
    ];
  });
}

/** "3-5 9" for [3, 4, 5, 9]. */
function ranges(lines: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const line of lines) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else parts.push([line, line]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
}
