/** What a face can ask about people (people-face.ts), answered by the parts. */

import { unknownMessage } from '../chat/errors.ts';
import type { Message } from '../chat/message.ts';
import type { ContactId } from '../delivery/face.ts';
import { isBlocked } from '../friends/errors.ts';
import type { Contact } from '../friends/people.ts';
import { fingerprintWords } from '../identity/words.ts';
import { equal, fromHex, toHex } from '../safety/bytes.ts';
import type {
  FriendView,
  HistoryOptions,
  InviteView,
  MessageView,
  PeopleEvent,
  PeopleFace,
  SafetyWords,
  SearchOptions,
  SendOptions,
} from './people-face.ts';
import { type AddOptions, addFriend } from './add-friend.ts';
import type { People } from './people.ts';
import { markCompared, safetyWordsOf } from './safety-words.ts';
import { inviteView, isoTimeOrNull, messageView, profileView } from './people-views.ts';

const ME = 'me';
/** What `why` and `deny` take: a message by its full id. */
const MESSAGE_ID = /^[0-9a-f]{32}$/;
const PLACE = /^[0-9]{1,15}$/;

export class PeopleCalls implements PeopleFace {
  readonly #people: People;

  constructor(people: People) {
    this.#people = people;
  }

  identity(): ReturnType<PeopleFace['identity']> {
    const { delivery, profile } = this.#people.book;
    const { fingerprint } = delivery;
    const id = toHex(fingerprint);
    return { id, words: fingerprintWords(fingerprint), profile: profileView(profile.own()) };
  }

  setProfile({
    picture,
    ...texts
  }: Parameters<PeopleFace['setProfile']>[0]): ReturnType<PeopleFace['setProfile']> {
    const bytes = typeof picture === 'string' ? new Uint8Array(Buffer.from(picture, 'base64')) : picture;
    return profileView(
      this.#people.book.profile.set({ ...texts, ...(bytes === undefined ? {} : { picture: bytes }) }),
    );
  }

  openInvite(options: Parameters<PeopleFace['openInvite']>[0]): InviteView {
    return inviteView(this.#people.book.friends.openInvite(options), 'opening');
  }

  invites(): InviteView[] {
    const { book, doors } = this.#people;
    return book.friends.invites().map((one) => inviteView(one, doors.stateOf(one.onionKey) ?? 'opening'));
  }

  closeInvite(id: string): void {
    this.#people.book.friends.closeInvite(id);
  }

  friends(): FriendView[] {
    return this.#people.book.friends.list().map((contact) => this.#view(contact));
  }

  friend(who: string): FriendView {
    return this.#view(this.#find(who));
  }

  async add(uri: string, options: AddOptions): Promise<FriendView> {
    const id = await addFriend(this.#people, uri, options);
    return this.#view(this.#find(toHex(id)));
  }

  accept(who: string, name?: string): FriendView {
    const { book, links } = this.#people;
    const { id } = this.#find(who);
    const options = { ...(name === undefined ? {} : { name }), myName: book.profile.own().name };
    const contact = book.befriending(id, () => book.friends.accept(id, options));
    links.want(id, true);
    return this.#view(contact);
  }

  deny(who: string): void {
    this.#people.book.friends.deny(this.#find(who).id);
  }

  block(who: string): FriendView {
    const { id } = this.#find(who);
    this.#people.links.drop(id);
    this.#people.book.block(id);
    return this.#view(this.#find(toHex(id)));
  }

  unblock(who: string): void {
    this.#people.book.friends.unblock(this.#find(who).id);
  }

  remove(who: string, { history = false }: { readonly history?: boolean } = {}): void {
    const { id } = this.#find(who);
    this.#people.links.drop(id); // first: tor does not close what is open
    this.#people.book.remove(id, { history });
  }

  rename(who: string, name: string): FriendView {
    return this.#view(this.#people.book.friends.rename(this.#find(who).id, name));
  }

  safetyWords(who: string): SafetyWords {
    return safetyWordsOf(this.#people.book, this.#find(who));
  }

  trust(who: string, options: { readonly device?: string } = {}): FriendView {
    return this.#view(markCompared(this.#people.book, this.#find(who), options.device));
  }

  message(ref: string): MessageView {
    return messageView(this.#message(ref));
  }

  send(who: string, { text, replyTo, attachment }: SendOptions): MessageView {
    const contact = this.#conversation(who);
    if (this.#people.book.friends.get(contact)?.state === 'blocked') throw isBlocked();
    const sent = this.#people.book.chat.send(contact, {
      ...(text === undefined ? {} : { text }),
      ...(replyTo === undefined ? {} : { replyTo: this.#message(replyTo).id }),
      ...(attachment === undefined
        ? {}
        : { attachment: { ...attachment, bytes: new Uint8Array(Buffer.from(attachment.data, 'base64')) } }),
    });
    this.#people.links.want(contact, true);
    return messageView(sent);
  }

  edit(id: string, text: string): MessageView {
    return messageView(this.#people.book.chat.edit(this.#message(id).id, text));
  }

  deleteMessage(id: string, options: { readonly onlyHere?: boolean } = {}): void {
    this.#people.book.chat.delete(this.#message(id).id, options);
  }

  react(id: string, emoji: string): MessageView {
    return messageView(this.#people.book.chat.react(this.#message(id).id, emoji));
  }

  markRead(who: string, upTo?: string): void {
    const last = upTo === undefined ? undefined : this.#message(upTo).id;
    this.#people.book.chat.markRead(this.#conversation(who), last);
  }

  setTimer(who: string, seconds: number): void {
    this.#people.book.chat.setTimer(this.#conversation(who), seconds);
  }

  history(who: string, options: HistoryOptions = {}): MessageView[] {
    return this.#people.book.chat.history(this.#conversation(who), options).map(messageView);
  }

  search(query: string, { who, ...options }: SearchOptions = {}): MessageView[] {
    const contact = who === undefined ? {} : { contact: this.#conversation(who) };
    return this.#people.book.chat.search(query, { ...options, ...contact }).map(messageView);
  }

  attachment(id: string): ReturnType<PeopleFace['attachment']> {
    const { name, type, bytes } = this.#people.book.chat.attachment(this.#message(id).id);
    return { name, type, data: Buffer.from(bytes).toString('base64') };
  }

  why(id: string): ReturnType<PeopleFace['why']> {
    const { message, steps, hint } = this.#people.book.chat.why(this.#message(id).id);
    return {
      message: messageView(message),
      steps: steps.map(({ at, what }) => ({ at: isoTimeOrNull(at), what })),
      hint,
    };
  }

  exportHistory(who?: string): Iterable<string> {
    return this.#people.book.chat.export(who === undefined ? undefined : this.#conversation(who));
  }

  importHistory(lines: Iterable<string>): number {
    return this.#people.book.chat.import(lines);
  }

  setPresence(presence: 'online' | 'away'): void {
    this.#people.links.setPresence(presence);
  }

  async rotateHome(): Promise<{ readonly onion: string; readonly waiting: number }> {
    await this.#people.rotateHome();
    const onion = `${this.#people.homes.current.onion.host}.onion`;
    return { onion, waiting: this.#people.book.friends.homeWaiting() };
  }

  onEvent(listener: (event: PeopleEvent) => void): () => void {
    return this.#people.events.listen(listener);
  }

  #find(who: string): Contact {
    return this.#people.book.friends.find(who);
  }

  /** Whose conversation: a contact's, or one's own notes. */
  #conversation(who: string): ContactId {
    const { fingerprint } = this.#people.book.delivery;
    return who === ME || who === toHex(fingerprint) ? fingerprint : this.#find(who).id;
  }

  #message(ref: string): Message {
    const { chat } = this.#people.book;
    const isPlace = PLACE.test(ref);
    const found = isPlace ? chat.at(Number(ref)) : MESSAGE_ID.test(ref) ? chat.get(fromHex(ref)) : null;
    if (found !== null) return found;
    throw unknownMessage();
  }

  #view(contact: Contact): FriendView {
    const view = this.#people.events.viewOf(contact.id);
    if (view === null || !equal(fromHex(view.id), contact.id))
      throw new RangeError('a contact without a view');
    return view;
  }
}
