/** Files that become attachments, and attachments that become files. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { SendOptions } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { unreadable } from './identity.ts';
import { oneLine, type Output, size } from './output.ts';

type Attachment = NonNullable<SendOptions['attachment']>;

/** Largest attachment, bytes: 16 parcels. */
const ATTACHMENT_MAX_BYTES = 204_800;

/** Types by the end of the name, for the other side's eyes: nothing here or there runs or opens a file because of it. */
const TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
};

/** The file at `path`. Throws FILE_UNREADABLE or ATTACHMENT_TOO_LARGE. */
export async function attachmentOf(path: string): Promise<Attachment> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (!found.isFile()) throw unreadable(new Error('no file'));
  if (found.size > ATTACHMENT_MAX_BYTES) {
    throw new KithError('ATTACHMENT_TOO_LARGE', 'that file is too large for a message', {
      hint: `At most ${size(ATTACHMENT_MAX_BYTES)} fit; \`kith say\` takes larger ones while both are there.`,
      data: { sizeBytes: found.size },
    });
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  const name = basename(path).normalize('NFC');
  const type = TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
  return { name, type, data: bytes.toString('base64') };
}

/**
 * Writes an attachment to `path` (a file, a directory, `-` for standard output, by default the current directory)
 * under a name that leads nowhere else, readable by its owner alone. Never over another file: FILE_EXISTS. Null where
 * it went to standard output.
 */
export async function saveAttachment(
  { name, data }: Attachment,
  path: string | undefined,
  output: Output,
): Promise<{ readonly path: string; readonly sizeBytes: number } | null> {
  const bytes = Buffer.from(data, 'base64');
  if (path === '-') {
    output.content('attachment', { data, sizeBytes: bytes.length }, bytes);
    return null;
  }
  const directory = path === undefined ? '.' : path;
  const inside = path === undefined || (await isDirectory(path));
  const target = inside ? join(directory, safeName(name)) : directory;
  try {
    await writeFile(target, bytes, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new KithError(
      exists ? 'FILE_EXISTS' : 'FILE_UNWRITABLE',
      exists ? 'there is a file of that name already' : 'that file cannot be written',
      { hint: 'Give another path: kith save <message> <path>', cause },
    );
  }
  return { path: target, sizeBytes: bytes.length };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Somebody else's name for a file: no directories, nothing hidden, nothing that moves a cursor. */
export function safeName(given: string): string {
  const last = oneLine(given).split(/[/\\]/).at(-1) ?? '';
  const name = last
    .replaceAll(/[<>:"|?*\ufffd]/g, '_')
    .replace(/^[.\s-]+/, '')
    .trim();
  return name === '' ? 'attachment' : name;
}
