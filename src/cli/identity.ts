/** `kith id|profile|away|online`, `kith home rotate`: what this node is to others. */

import { readFile, stat } from 'node:fs/promises';
import type { ProfileView } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { MAX_PICTURE_BYTES, MAX_PICTURE_SIDE } from '../wire/picture.ts';
import type { Context } from './context.ts';
import { withPeople } from './node-client.ts';
import { counted, oneLine } from './output.ts';

export interface QrOption {
  readonly qr?: boolean;
}

/** The code below a sentence, where it was asked for. */
export async function withQr(sentence: string, text: string, { qr }: QrOption): Promise<string> {
  if (qr !== true) return sentence;
  const { qrText } = await import('../identity/qr.ts'); // most commands never need it
  return `${sentence}\n\n${qrText(text).trimEnd()}`;
}

export async function id(context: Context, options: QrOption): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const { id, words, profile } = await people.identity();
    const sentence = `${output.bold(id)}\n${wordsText(words)}`;
    output.result(
      'id',
      { id, words, name: profile.name, status: profile.status },
      await withQr(sentence, id, options),
    );
  });
}

/** Words in lines of six, as one reads them aloud. */
export function wordsText(words: string): string {
  return words.replaceAll(/((?:\S+ ){5}\S+) /g, '$1\n');
}

export interface ProfileOptions {
  readonly name?: string;
  readonly status?: string;
  /** A file; `none` removes it. */
  readonly picture?: string;
}

export async function profile(context: Context, { name, status, picture }: ProfileOptions): Promise<void> {
  const { output } = context;
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(picture === undefined ? {} : { picture: await pictureArgument(picture) }),
  };
  await withPeople(context, async (people) => {
    const asked = Object.keys(change).length > 0;
    const shown = asked ? await people.setProfile(change) : (await people.identity()).profile;
    const facts = { name: shown.name, status: shown.status, hasPicture: shown.picture !== null };
    output.result('profile', facts, `${asked ? 'Friends will see' : 'Friends see'}: ${profileText(shown)}`);
  });
}

function profileText({ name, status, picture }: ProfileView): string {
  return [
    name === '' ? 'no name' : oneLine(name),
    status === '' ? 'no status' : oneLine(status),
    picture === null ? 'no picture' : 'a picture',
  ].join(', ');
}

async function pictureArgument(path: string): Promise<string | null> {
  if (path === 'none') return null;
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (found.size > MAX_PICTURE_BYTES) {
    throw new KithError('PICTURE_UNUSABLE', 'that picture is too large', {
      hint: `Give a PNG, JPEG or WebP file of at most ${MAX_PICTURE_BYTES.toLocaleString('en')} bytes and ${MAX_PICTURE_SIDE} pixels a side.`,
      data: { sizeBytes: found.size },
    });
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  return bytes.toString('base64');
}

export function unreadable(cause: unknown): KithError {
  return new KithError('FILE_UNREADABLE', 'that file cannot be read', {
    hint: 'Check its name and its permissions.',
    cause,
  });
}

export async function setPresence(context: Context, presence: 'online' | 'away'): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    await people.setPresence(presence);
    const rest = presence === 'away' ? ' Messages still arrive.' : '';
    output.result('presence', { presence }, `Friends will see that you are ${presence}.${rest}`);
  });
}

export async function homeRotate(context: Context): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    output.progress('publishing', {}, 'Publishing a new address through Tor…');
    const { onion, waiting } = await people.rotateHome();
    const told =
      waiting === 0
        ? 'All friends know it.'
        : `${counted(waiting, 'friend')} will be told; the old one goes when all know, or after 14 days.`;
    output.result('rotated', { onion, waiting }, `New address: ${output.bold(onion)}\n${told}`);
  });
}
