/**
 * `kith chat <who>`: a conversation in a terminal. What comes is shown as it comes, and counts as read while this
 * runs; what is typed is sent line by line. In a pipe the same without a prompt, until the pipe ends.
 */

import type { ListedFriend, LocalEvent } from '../local/api.ts';
import { RemoteError } from '../local/errors.ts';
import type { KithClient } from '../local/people-client.ts';
import type { MessageView, SendOptions } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { type ChatHands, runCommand } from './chat-commands.ts';
import { ChatScreen } from './chat-screen.ts';
import type { Context } from './context.ts';
import { withPeople } from './node-client.ts';
import { counted, fieldsOf, oneLine } from './output.ts';
import { Conversation, friendLine, Replies, stateText } from './people-text.ts';

/** Messages shown at the start, and with each /more; unread ones are all shown up to the second number. */
const PAGE = 20;
const PAGE_MAX = 200;

/** Messages whose last look is remembered, to tell what changed of them. */
const REMEMBERED = 1000;

export async function chat(context: Context, who: string): Promise<void> {
  const { signal, output } = context;
  await withPeople(context, async (people) => {
    const events = people.events();
    const me = (await people.identity()).id;
    const friend = who === 'me' || who === me ? null : await people.friend(who);
    const name = friend?.name ?? 'me';
    const screen = new ChatScreen(output, `${oneLine(name)}> `, context.host);
    const session = new ChatSession(
      people,
      screen,
      friend?.id ?? me,
      friend === null ? 'me' : friend.id,
      name,
    );
    try {
      if (friend !== null && !output.json) {
        const { profile: _, ...facts } = friend;
        const line = friendLine({ ...facts, profile: null }, output);
        screen.print((to) =>
          to.event('chat', {}, `${line}\n${output.dim('/help shows what else you can do.')}`),
        );
      }
      await session.open(friend?.unread ?? 0);
      await Promise.race([session.typing(), session.watch(events)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      screen.close();
      await events.return?.();
    }
    const { received, sent } = session;
    output.result('chat', { received, sent }, `${counted(received, 'message')} came, ${sent} went out.`);
  });
}

class ChatSession implements ChatHands {
  readonly people: KithClient;
  readonly who: string;
  received = 0;
  sent = 0;
  readonly #screen: ChatScreen;
  readonly #contact: string;
  readonly #name: string;
  readonly #conversation: Conversation;
  /** What each message looked like when it was shown last. */
  readonly #looks = new Map<string, MessageView>();
  readonly #others = new Set<string>();
  #oldest: number | null = null;
  #lastMine: MessageView | undefined;
  /** Settles when what was typed last is done: only then is it known which messages are from here. */
  #busy: Promise<void> = Promise.resolve();

  constructor(people: KithClient, screen: ChatScreen, contact: string, who: string, name: string) {
    this.people = people;
    this.#screen = screen;
    this.#contact = contact;
    this.who = who;
    this.#name = name;
    this.#conversation = new Conversation(screen.output, new Replies(people));
  }

  get output() {
    return this.#screen.output;
  }

  readonly say = (sentence: string): void => {
    this.#screen.print((to) => to.event('said', { text: sentence }, sentence));
  };

  readonly show = async (message: MessageView): Promise<void> => {
    this.#remember(message); // first: what changes of it meanwhile is a change
    await this.#conversation.learn([message]);
    this.#screen.print((to) =>
      to.event('message', fieldsOf(message), this.#conversation.text(message, this.#name)),
    );
  };

  readonly quit = (): void => this.#screen.close();

  readonly lastMine = (): string => {
    if (this.#lastMine !== undefined) return this.#lastMine.id;
    throw new KithError('MESSAGE_UNKNOWN', 'none of your messages was shown yet', {
      hint: 'Give the number before the message.',
    });
  };

  readonly send = async (options: SendOptions): Promise<void> => {
    const message = await this.people.send(this.who, options);
    this.sent++;
    if (!this.#screen.live) return this.show(message);
    this.#remember(message);
    this.#whisper(`#${message.seq} ${this.who === 'me' ? 'noted' : stateText(message)}`);
  };

  /** Shows the newest messages, where some are unread from the first of these on. */
  async open(unread: number): Promise<void> {
    const limit = Math.min(PAGE_MAX, Math.max(PAGE, unread));
    const { messages, next } = await this.people.history(this.who, { limit });
    this.#oldest = next;
    const theirs = messages.filter(({ mine }) => !mine);
    const firstNew = unread === 0 ? undefined : theirs.at(-unread);
    for (const message of messages) {
      if (message === firstNew) this.#whisper(`— ${unread} new —`);
      await this.show(message);
    }
    const newest = theirs.at(-1);
    if (newest !== undefined && this.who !== 'me') await this.people.markRead(this.who, newest.id);
  }

  readonly older = async (): Promise<void> => {
    if (this.#oldest === null) return this.say('That is the beginning.');
    const page = await this.people.history(this.who, { before: this.#oldest, limit: PAGE });
    this.#oldest = page.next;
    for (const message of page.messages) await this.show(message);
  };

  /** Does what is typed, until there is no more. What is wrong with a line is told, and the next may be better. */
  async typing(): Promise<void> {
    for await (const line of this.#screen.lines()) {
      const work = this.#typed(line);
      this.#busy = work.catch(() => {});
      await work;
    }
  }

  async #typed(line: string): Promise<void> {
    try {
      if (line.startsWith('//')) await this.send({ text: line.slice(1) });
      else if (line.startsWith('/')) await runCommand(this, line);
      else if (line.trim() !== '') await this.send({ text: line });
    } catch (error) {
      if (!(error instanceof KithError) || (error.code === 'NODE_GONE' && !(error instanceof RemoteError)))
        throw error;
      const { code, message, hint } = error;
      this.#screen.print((to) => to.event('error', { code, message, hint }, `! ${message}\n  ${hint}`));
    }
  }

  async watch(events: AsyncIterable<LocalEvent>): Promise<void> {
    for await (const event of events) {
      await this.#busy;
      await this.#happened(event);
    }
  }

  async #happened(event: LocalEvent): Promise<void> {
    if (event.kind === 'message') return this.#came(event.message, event.name);
    if (event.kind === 'message-changed') return this.#changed(event.message);
    if (event.kind === 'message-removed') return this.#removed(event.id);
    if (event.kind === 'presence' && event.id === this.#contact) {
      const { presence } = event;
      const there = presence === 'unknown' ? 'not there' : presence;
      const sentence = this.#dim(`${oneLine(this.#name)} is ${there}`);
      this.#screen.print((to) => to.event('presence', { presence }, sentence));
    }
    if (event.kind === 'friend' && event.friend.id === this.#contact) this.#friend(event.friend);
    if (event.kind === 'friend-removed' && event.id === this.#contact) {
      this.say(`${oneLine(this.#name)} is no friend any more.`);
      this.quit();
    }
  }

  async #came(message: MessageView, name: string): Promise<void> {
    if (message.contact !== this.#contact) {
      if (message.mine || this.#others.has(message.contact)) return;
      this.#others.add(message.contact);
      return this.#whisper(`${oneLine(name)} wrote to you: kith chat ${oneLine(name)}`);
    }
    if (this.#looks.has(message.id)) return; // sent from here, or shown by the first page
    await this.show(message);
    if (message.mine) return;
    this.received++;
    await this.people.markRead(this.who, message.id);
  }

  async #changed(message: MessageView): Promise<void> {
    const before = this.#looks.get(message.id);
    if (message.contact !== this.#contact || before === undefined) return;
    const { state: oldState, ...old } = before;
    const { state, ...now } = message;
    if (JSON.stringify(old) !== JSON.stringify(now)) return this.show(message);
    this.#remember(message);
    if (!message.mine || state === oldState) return;
    const sentence = this.#dim(`#${message.seq} ${stateText(message)}`);
    this.#screen.print((to) => to.event('message-changed', fieldsOf(message), sentence));
  }

  #removed(id: string): void {
    const before = this.#looks.get(id);
    if (before !== undefined) this.#whisper(`#${before.seq} is gone`);
    this.#looks.delete(id);
  }

  #trust: ListedFriend['trust'] | undefined;

  #friend(friend: ListedFriend): void {
    const before = this.#trust;
    this.#trust = friend.trust;
    if (friend.trust === 'changed' && before !== 'changed') this.say(friendLine(friend, this.output));
  }

  #remember(message: MessageView): void {
    this.#looks.delete(message.id);
    this.#looks.set(message.id, message);
    if (message.mine && message.seq >= (this.#lastMine?.seq ?? 0)) this.#lastMine = message;
    for (const id of this.#looks.keys()) {
      if (this.#looks.size <= REMEMBERED) break;
      this.#looks.delete(id);
    }
  }

  /** For people alone: programs have it in other events. */
  #whisper(sentence: string): void {
    if (!this.output.json) this.#screen.print((to) => to.event('note', {}, this.#dim(sentence)));
  }

  #dim(text: string): string {
    return this.output.dim(text);
  }
}
