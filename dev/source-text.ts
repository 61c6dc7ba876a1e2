/**
 * Just enough reading of TypeScript to find what a file imports and what its code (not its comments and
 * strings) mentions. Not a parser: it relies on the formatter's layout, and a regular expression literal is told
 * from a division by the character before it.
 */

/** What may stand before a `/` that begins a regular expression. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|await|yield))\s*$/;

const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\//g;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

/** `text` with comments, templates and regular expressions blanked, line breaks kept; strings too if asked. */
export function codeOf(text: string, strings: 'keep' | 'blank'): string {
  let code = '';
  let at = 0;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    code += text.slice(at, match.index);
    let token = match[0];
    if (token === '/') {
      REGEX.lastIndex = match.index;
      const regex = BEFORE_REGEX.test(code.slice(-20)) ? REGEX.exec(text)?.[0] : undefined;
      code += regex === undefined ? '/' : '0';
      token = regex ?? token;
    } else if (/^['"]/.test(token)) {
      code += strings === 'keep' ? token : "''";
    } else {
      code += token.replace(/[^\n]/g, ' ');
    }
    at = match.index + token.length;
    TOKEN.lastIndex = at;
  }
  return code + text.slice(at);
}

const IMPORTS = [
  /^(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

/** The module specifiers that a file imports or re-exports, types included. */
export function importsOf(text: string): string[] {
  const code = codeOf(text, 'keep');
  return IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] as string));
}
