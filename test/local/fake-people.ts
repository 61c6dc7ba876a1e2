/**
 * People for faces to talk about: the whole face in memory, with bob (a friend), carol (who asks) and dave (whom we
 * asked). Time stands at one second for each message. What is sent to bob is delivered a moment later; nothing
 * answers unless a test says so with {@link FakePeople.arrive}.
 */

import { createHash } from 'node:crypto';
import type {
  FriendView,
  HistoryOptions,
  InviteOptions,
  InviteView,
  MessageView,
  PeopleEvent,
  PeopleFace,
  ProfileChange,
  ProfileView,
  SearchOptions,
  SendOptions,
} from '../../src/node/people-face.ts';
import { checkText } from '../../src/chat/checks.ts';
import { attachmentIncomplete, ChatError, unknownMessage } from '../../src/chat/errors.ts';
import { inviteUnknown, isBlocked, notAsking, whoUnknown } from '../../src/friends/errors.ts';
import { readInviteText } from '../../src/friends/invites.ts';
import { deviceChanged } from '../../src/node/safety-words.ts';

const START = Date.UTC(2026, 10, 21, 12);

export function idOf(name: string): string {
  return createHash('sha384').update(name).digest('hex');
}

export const ME = idOf('alice');

const WORDS = Array.from({ length: 36 }, (_, at) => `word${at + 1}`).join(' ');

function friendNamed(name: string, state: FriendView['state'], more: Partial<FriendView> = {}): FriendView {
  return {
    id: idOf(name),
    name,
    state,
    since: time(0),
    expiresAt: state === 'friend' || state === 'blocked' ? null : time(14 * 86_400),
    request: state === 'requested' ? 'arrived' : null,
    note: '',
    profile: null,
    trust: 'unproven',
    presence: 'unknown',
    connected: false,
    lastReachedAt: null,
    nextTryAt: null,
    waiting: 0,
    unread: 0,
    timerS: 0,
    ...more,
  };
}

function time(seconds: number): string {
  return new Date(START + seconds * 1000).toISOString();
}

/** Methods have names of people-face.ts. */
export class FakePeople implements PeopleFace {
  readonly people = new Map<string, FriendView>();
  readonly messages: MessageView[] = [];
  readonly open = new Map<string, InviteView>();
  readonly files = new Map<string, { name: string; type: string; data: string }>();
  readonly imported: string[][] = [];
  readonly #listeners = new Set<(event: PeopleEvent) => void>();
  #profile: ProfileView = { name: 'Alice', status: '', picture: null };
  /** Sent messages are delivered a moment later. */
  delivers = true;
  /** Somebody asks for a message. */
  onLook = (): void => {};

  constructor() {
    for (const friend of [
      friendNamed('bob', 'friend', {
        profile: {
          name: 'Bob\u001b[2J',
          status: 'on a boat',
          picture: { type: 'image/png', data: 'iVBORw==' },
        },
        trust: 'proven',
        presence: 'online',
        connected: true,
        lastReachedAt: time(0),
        unread: 0,
      }),
      friendNamed('carol', 'asking', { note: 'We met\nat the market' }),
      friendNamed('dave', 'requested', { waiting: 1, nextTryAt: time(60) }),
    ]) {
      this.people.set(friend.id, friend);
    }
  }

  get watchers(): number {
    return this.#listeners.size;
  }

  emit(event: PeopleEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #change(who: string, change: Partial<FriendView>): FriendView {
    const friend = { ...this.friend(who), ...change };
    this.people.set(friend.id, friend);
    this.emit({ kind: 'friend', friend });
    return friend;
  }

  #contact(who: string): string {
    return who === 'me' || who === ME ? ME : this.friend(who).id;
  }

  #nameOf(contact: string): string {
    return contact === ME ? 'me' : (this.people.get(contact)?.name ?? '?');
  }

  #add(contact: string, mine: boolean, more: Partial<MessageView>): MessageView {
    const seq = (this.messages.at(-1)?.seq ?? 0) + 1;
    const message: MessageView = {
      id: createHash('md5').update(String(seq)).digest('hex'),
      seq,
      contact,
      mine,
      kind: 'text',
      text: '',
      at: time(seq),
      state: mine ? 'saved' : 'received',
      cause: null,
      timerS: null,
      editedAt: null,
      replyTo: null,
      reactions: [],
      attachment: null,
      unproven: false,
      disappearsAt: null,
      missing: null,
      broken: false,
      restored: false,
      ...more,
    };
    this.messages.push(message);
    this.emit({ kind: 'message', message, name: this.#nameOf(contact) });
    return message;
  }

  /** They wrote something. */
  arrive(who: string, text: string, more: Partial<MessageView> = {}): MessageView {
    const { id, unread } = this.friend(who);
    const message = this.#add(id, false, { text, ...more });
    this.#change(id, { unread: unread + 1 });
    return message;
  }

  /** A message became something else. */
  become(id: string, change: Partial<MessageView>): MessageView {
    const at = this.messages.findIndex((message) => message.id === id);
    const message = { ...this.message(id), ...change };
    this.messages[at] = message;
    this.emit({ kind: 'message-changed', message, name: this.#nameOf(message.contact) });
    return message;
  }

  identity = () => ({ id: ME, words: WORDS, profile: this.#profile });

  setProfile({ name, status, picture }: ProfileChange): ProfileView {
    const { name: oldName, status: oldStatus, picture: oldPicture } = this.#profile;
    const shown =
      picture === undefined ? oldPicture : picture === null ? null : { type: 'image/png', data: picture };
    this.#profile = { name: name ?? oldName, status: status ?? oldStatus, picture: shown };
    return this.#profile;
  }

  openInvite({ public: forAll = false, ttlMs = 7 * 86_400_000, note = '' }: InviteOptions): InviteView {
    const id = idOf(`invite ${this.open.size}`).slice(0, 16);
    const invite: InviteView = {
      id,
      uri: `kith:${id}`,
      public: forAll,
      note,
      createdAt: time(0),
      expiresAt: time(ttlMs / 1000),
      used: 0,
      state: 'opening',
    };
    this.open.set(id, invite);
    this.emit({ kind: 'invite', invite });
    return invite;
  }

  invites = () => [...this.open.values()];

  closeInvite(id: string): void {
    if (!this.open.delete(id)) throw inviteUnknown();
    this.emit({ kind: 'invite-closed', id });
  }

  friends = () => [...this.people.values()];

  friend(who: string): FriendView {
    const found = this.friends().find(
      ({ id, name }) => name === who || (who.length >= 8 && id.startsWith(who)),
    );
    if (found === undefined) throw whoUnknown();
    return found;
  }

  async add(uri: string, options: { readonly name?: string; readonly note?: string }): Promise<FriendView> {
    if (!/^kith:[a-z]+$/.test(uri)) readInviteText(uri); // the fake's own are no invites of others
    const friend = friendNamed(options.name ?? 'erin', 'requested', { waiting: 1 });
    this.people.set(friend.id, friend);
    return friend;
  }

  accept(who: string, name?: string): FriendView {
    if (this.friend(who).state !== 'asking') throw notAsking();
    return this.#change(who, {
      state: 'friend',
      expiresAt: null,
      request: null,
      ...(name === undefined ? {} : { name }),
    });
  }

  deny(who: string): void {
    const { id } = this.friend(who);
    this.people.delete(id);
    this.emit({ kind: 'friend-removed', id });
  }

  block = (who: string) => this.#change(who, { state: 'blocked' });

  unblock(who: string): void {
    this.deny(who);
  }

  remove(who: string, options: { readonly history?: boolean } = {}): void {
    const { id } = this.friend(who);
    this.deny(who);
    if (options.history !== true) return;
    const kept = this.messages.filter(({ contact }) => contact !== id);
    this.messages.splice(0, this.messages.length, ...kept);
  }

  rename = (who: string, name: string) => this.#change(who, { name });

  safetyWords(who: string) {
    const { trust } = this.friend(who);
    return {
      words: 'one two three four five six seven eight nine ten eleven twelve',
      compared: trust === 'compared',
      device: { words: 'red orange yellow green blue violet', changed: trust === 'changed' },
    };
  }

  trust(who: string, { device }: { readonly device?: string } = {}): FriendView {
    const { words, changed } = this.safetyWords(who).device;
    if (device === undefined ? changed : device !== words) throw deviceChanged();
    return this.#change(who, { trust: 'compared' });
  }

  /** The device of a friend has another key from now on. */
  changeDevice(who: string): void {
    this.#change(who, { trust: 'changed' });
  }

  send(who: string, { text = '', replyTo, attachment }: SendOptions): MessageView {
    const contact = this.#contact(who);
    checkText(text, attachment !== undefined);
    if (who !== 'me' && who !== ME && this.friend(who).state === 'blocked') throw isBlocked();
    const about = {
      text,
      replyTo: replyTo ?? null,
      ...(attachment === undefined ? {} : { kind: 'attachment' as const, attachment: viewOf(attachment) }),
    };
    const message = this.#add(contact, true, about);
    if (attachment !== undefined) this.files.set(message.id, attachment);
    if (this.delivers) setImmediate(() => this.become(message.id, { state: 'delivered' }));
    return message;
  }

  edit = (id: string, text: string) => this.become(id, { text, editedAt: time(1000) });

  deleteMessage(id: string, options: { readonly onlyHere?: boolean } = {}): void {
    const { contact } = this.message(id);
    if (options.onlyHere !== true) {
      this.become(id, { kind: 'deleted', text: '' });
      return;
    }
    this.messages.splice(this.messages.indexOf(this.message(id)), 1);
    this.emit({ kind: 'message-removed', id, contact });
  }

  react = (id: string, emoji: string) =>
    this.become(id, { reactions: emoji === '' ? [] : [{ by: 'me', emoji }] });

  markRead(who: string): void {
    if (this.friend(who).unread > 0) this.#change(who, { unread: 0 });
  }

  setTimer(who: string, timerS: number): void {
    if (this.#contact(who) !== ME) this.#change(who, { timerS });
  }

  message(ref: string): MessageView {
    this.onLook();
    const found = this.messages.find(({ id, seq }) => id === ref || String(seq) === ref);
    if (found === undefined) throw unknownMessage();
    return found;
  }

  history(who: string, { before, after, limit = 50 }: HistoryOptions = {}): MessageView[] {
    const contact = this.#contact(who);
    const found = this.messages.filter(
      (message) =>
        message.contact === contact &&
        message.seq < (before ?? Number.POSITIVE_INFINITY) &&
        message.seq > (after ?? 0),
    );
    return after === undefined ? found.slice(-limit) : found.slice(0, limit);
  }

  search(query: string, { who, before, limit = 50 }: SearchOptions = {}): MessageView[] {
    const contact = who === undefined ? undefined : this.#contact(who);
    return this.messages
      .filter(
        (message) =>
          message.text.toLowerCase().includes(query.toLowerCase()) &&
          (contact === undefined || message.contact === contact) &&
          message.seq < (before ?? Number.POSITIVE_INFINITY),
      )
      .toReversed()
      .slice(0, limit);
  }

  attachment(id: string) {
    const found = this.files.get(id);
    if (found === undefined) throw attachmentIncomplete();
    return found;
  }

  why(id: string) {
    const message = this.message(id);
    const steps = [
      { at: message.at, what: 'saved on this computer' },
      { at: null, what: 'waits for a link to them' },
    ];
    return { message, steps, hint: 'Nothing: it goes out when they are there.' };
  }

  *exportHistory(who?: string): Generator<string> {
    const contact = who === undefined ? undefined : this.#contact(who);
    for (const message of this.messages) {
      if (contact === undefined || message.contact === contact) yield JSON.stringify(message);
    }
  }

  importHistory(lines: Iterable<string>): number {
    const all = [...lines];
    for (const [index, line] of all.entries()) {
      try {
        JSON.parse(line);
      } catch {
        throw new ChatError('IMPORT_BAD_LINE', `line ${index + 1} is no message`, {
          hint: 'Nothing was imported.',
          data: { line: index + 1 },
        });
      }
    }
    this.imported.push(all);
    return all.length;
  }

  presence: 'online' | 'away' = 'online';

  setPresence(presence: 'online' | 'away'): void {
    this.presence = presence;
  }

  rotateHome = async () => ({ onion: `${'a'.repeat(56)}.onion`, waiting: 1 });

  onEvent(listener: (event: PeopleEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

function viewOf({ name, type, data }: NonNullable<SendOptions['attachment']>) {
  return { name, type, sizeBytes: Buffer.from(data, 'base64').length, complete: true };
}
