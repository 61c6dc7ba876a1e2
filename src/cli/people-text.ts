/**
 * How people and messages look in a terminal. Everything that others wrote passes `harmless`, and stays where it
 * belongs: a name in its line, a text behind its own indentation, so that neither can pose as something else.
 */

import type { ListedFriend } from '../local/api.ts';
import type { FriendView, InviteView, MessageView } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { counted, harmless, oneLine, type Output, size } from './output.ts';

/** What lies before a message's text when it goes on in further lines. */
const INDENT = '      ';

const TRUST: { readonly [K in FriendView['trust']]: string } = {
  unproven: 'not yet proven',
  proven: 'proven',
  compared: 'safety words compared',
  changed: 'KEY CHANGED: nothing goes out before kith verify',
};

/** `17:40`, in the time zone of whoever looks. */
function clockText(iso: string): string {
  const at = new Date(iso);
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** `2026-11-21`, likewise. */
function dayText(iso: string): string {
  const at = new Date(iso);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}

export function whenText(iso: string): string {
  return `${dayText(iso)} ${clockText(iso)}`;
}

const ASKED: { readonly [K in NonNullable<FriendView['request']>]: string } = {
  'on-its-way': 'the request is on its way',
  arrived: 'asked, no answer yet',
  refused: 'the invite lets nobody in any more: ask for another one',
};

/** One friend in a list. */
export function friendLine(friend: ListedFriend, output: Output): string {
  const { name, state, unread, waiting, trust, presence, connected, lastReachedAt } = friend;
  const reached = lastReachedAt === null ? 'never reached' : `last reached ${whenText(lastReachedAt)}`;
  const there = presence !== 'unknown' ? presence : connected ? 'connected' : reached;
  const facts = {
    friend: [there, TRUST[trust]],
    requested: [ASKED[friend.request ?? 'arrived'], ...ends(friend)],
    asking: ['asks to be your friend', ...ends(friend)],
    blocked: ['blocked'],
  }[state];
  const counts = [
    ...(unread > 0 ? [output.bold(`${unread} unread`)] : []),
    ...(waiting > 0 && state === 'friend' ? [`${waiting} waiting for them`] : []),
  ];
  return `${output.bold(oneLine(name))}  ${[...facts, ...counts].join(', ')}`;
}

function ends({ expiresAt }: Pick<FriendView, 'expiresAt'>): string[] {
  return expiresAt === null ? [] : [`until ${dayText(expiresAt)}`];
}

/** Everything about one friend, a line each. */
export function friendText(friend: ListedFriend, output: Output): string {
  const { id, since, note, profile, timerS } = friend;
  const rows = [
    friendLine(friend, output),
    `id       ${id}`,
    `since    ${dayText(since)}`,
    ...(note === '' ? [] : [`note     ${oneLine(note)}`]),
    ...(profile === null
      ? []
      : [`profile  ${[profile.name, profile.status].filter(Boolean).map(oneLine).join(': ')}`]),
    ...(timerS === 0 ? [] : [`timer    messages disappear after ${timerText(timerS)}`]),
  ];
  return rows.join('\n');
}

export function inviteLine({ id, public: forAll, note, expiresAt, used, state }: InviteView): string {
  const kind = forAll ? `public, used ${counted(used, 'time')}` : used > 0 ? 'private, used' : 'private';
  const shown = note === '' ? '' : `  for ${oneLine(note)}`;
  return `${id}  ${state}, ${kind}, until ${whenText(expiresAt)}${shown}`;
}

const UNITS = [
  [604_800, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** `1 day`, `90 minutes`: in the largest unit that has no rest. */
export function timerText(seconds: number): string {
  const [unitS, unit] = UNITS.find(([unitS]) => seconds % unitS === 0) ?? [1, 'second'];
  return counted(seconds / unitS, unit);
}

/** What a new timer does, as the two sides count it. */
export function timerSentence(who: string, seconds: number): string {
  const what = who === 'me' ? 'New notes' : 'New messages';
  if (seconds === 0) return `${what} stay.`;
  const after = `${timerText(seconds)} after`;
  if (who === 'me') return `${what} disappear ${after} they were written.`;
  return `${what} disappear: with who wrote them ${after} they arrived, with who got them ${after} they were read.`;
}

/** The places of messages that others answer. */
export class Replies {
  readonly #people: { message(id: string): Promise<Pick<MessageView, 'seq'>> };
  /** By id; null is nowhere any more. */
  readonly #places = new Map<string, number | null>();

  constructor(people: { message(id: string): Promise<Pick<MessageView, 'seq'>> }) {
    this.#people = people;
  }

  /** Before they are shown. */
  async learn(messages: readonly MessageView[]): Promise<void> {
    for (const { id, seq } of messages) this.#places.set(id, seq);
    for (const { replyTo } of messages) {
      if (replyTo === null || this.#places.has(replyTo)) continue;
      const found = await this.#people.message(replyTo).catch((error: unknown) => {
        if (error instanceof KithError && error.code === 'MESSAGE_UNKNOWN') return null; // disappeared, or deleted
        throw error;
      });
      this.#places.set(replyTo, found?.seq ?? null);
    }
  }

  /** Of that message, where it was learned. */
  placeOf(id: string): number | null {
    return this.#places.get(id) ?? null;
  }
}

/** A message in its line or lines. `name` is with whom it is: who wrote it, where it was not oneself; `me` for notes. */
export function messageText(message: MessageView, name: string, output: Output, replies?: Replies): string {
  const { seq, at, mine, kind } = message;
  const isNote = name === 'me'; // nobody else can be called so
  const marks = [...marksOf(message, replies), ...(mine && !isNote ? [stateText(message)] : [])];
  const shown = marks.length === 0 ? '' : ` ${output.dim(`(${marks.join(', ')})`)}`;
  const reactions = message.reactions.map(({ emoji }) => oneLine(emoji)).join(' ');
  const head = `${output.dim(`#${seq} ${clockText(at)}`)} ${output.bold(mine ? 'me' : oneLine(name))}`;
  const body = kind === 'text' ? indented(message.text) : insteadOfText(message);
  return `${head}: ${body}${reactions === '' ? '' : ` [${reactions}]`}${shown}`;
}

function indented(text: string): string {
  return harmless(text).replaceAll('\u2028', '\n').replaceAll('\u2029', '\n').replaceAll('\n', `\n${INDENT}`);
}

function insteadOfText({ kind, text, attachment, missing, timerS }: MessageView): string {
  if (kind === 'deleted') return '(deleted)';
  if (kind === 'gap') {
    const many = counted(missing?.count ?? 1, 'message');
    return missing?.final === true
      ? `[${many} lost: nobody has them any more]`
      : `[${many} missing, asked for]`;
  }
  if (kind === 'timer')
    return timerS === 0 ? '[new messages stay]' : `[new messages disappear after ${timerText(timerS ?? 0)}]`;
  if (attachment === null) return indented(text);
  const { name, type, sizeBytes, complete } = attachment;
  const facts = [oneLine(type), size(sizeBytes), ...(complete ? [] : ['still coming'])].join(', ');
  return `[${oneLine(name)}, ${facts}]${text === '' ? '' : ` ${indented(text)}`}`;
}

function marksOf(message: MessageView, replies: Replies | undefined): string[] {
  const { replyTo, editedAt, unproven, broken, restored, disappearsAt } = message;
  const place = replyTo === null ? null : (replies?.placeOf(replyTo) ?? null);
  return [
    ...(replyTo === null ? [] : [place === null ? 'a reply to what is gone' : `reply to #${place}`]),
    ...(editedAt === null ? [] : ['edited']),
    ...(unproven ? ['sender not yet proven'] : []),
    ...(broken ? ['does not follow from what came before it'] : []),
    ...(restored ? ['came back from them'] : []),
    ...(disappearsAt === null ? [] : [`disappears ${whenText(disappearsAt)}`]),
  ];
}

export function stateText({ state, cause }: Pick<MessageView, 'state' | 'cause'>): string {
  return state === 'failed' && cause !== null ? `failed: ${oneLine(cause)}` : state;
}

/** Messages in order, with a line for each day that begins. */
export class Conversation {
  readonly #output: Output;
  readonly #replies: Replies;
  #day = '';

  constructor(output: Output, replies: Replies) {
    this.#output = output;
    this.#replies = replies;
  }

  /** What they answer, before they are shown. */
  learn(messages: readonly MessageView[]): Promise<void> {
    return this.#replies.learn(messages);
  }

  text(message: MessageView, name: string): string {
    const day = dayText(message.at);
    const line = messageText(message, name, this.#output, this.#replies);
    if (day === this.#day) return line;
    this.#day = day;
    return `${this.#output.dim(`— ${day} —`)}\n${line}`;
  }
}
