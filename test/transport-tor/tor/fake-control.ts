/** A control port that says what a test wants: a real unix socket in a short temporary directory. */

import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Answers one command line (without CR LF); null: say nothing. */
export type Answer = (line: string, socket: Socket) => string | null;

export class FakeControl {
  readonly path: string;
  readonly cookiePath: string;
  readonly cookie = Buffer.alloc(32, 7);
  /** Every line that clients sent. */
  readonly lines: string[] = [];
  readonly sockets: Socket[] = [];
  /** What the AUTHCHALLENGE answer is made with; a test may lie. */
  challengeCookie = this.cookie;
  methods = 'COOKIE,SAFECOOKIE';
  readonly #dir: string;
  readonly #server: Server;
  readonly #answer: Answer;

  private constructor(dir: string, answer: Answer) {
    this.#dir = dir;
    this.path = join(dir, 'control');
    this.cookiePath = join(dir, 'cookie');
    this.#answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(answer: Answer = () => '250 OK\r\n'): Promise<FakeControl> {
    const fake = new FakeControl(await mkdtemp(join(tmpdir(), 'kc-')), answer);
    await writeFile(fake.cookiePath, fake.cookie);
    await new Promise<void>((resolve) => fake.#server.listen(fake.path, resolve));
    return fake;
  }

  /** Sends an event or garbage to every client. */
  say(text: string | Uint8Array): void {
    for (const socket of this.sockets) socket.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#dir, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.sockets.push(socket);
    socket.on('error', () => {});
    let rest = '';
    socket.on('data', (bytes) => {
      rest += bytes.toString('latin1');
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        this.lines.push(line);
        const reply = this.#authentication(line) ?? this.#answer(line, socket);
        if (reply !== null) socket.write(reply);
      }
    });
  }

  #authentication(line: string): string | null {
    if (line.startsWith('PROTOCOLINFO')) {
      return `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=${this.methods} COOKIEFILE="${this.cookiePath}"\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n`;
    }
    const challenge = /^AUTHCHALLENGE SAFECOOKIE ([0-9a-f]{64})$/.exec(line);
    if (challenge !== null) {
      const nonce = Buffer.alloc(32, 9);
      const transcript = Buffer.concat([
        this.challengeCookie,
        Buffer.from(challenge[1] as string, 'hex'),
        nonce,
      ]);
      this.#expected = hmac('Tor safe cookie authentication controller-to-server hash', transcript);
      const mine = hmac('Tor safe cookie authentication server-to-controller hash', transcript);
      return `250 AUTHCHALLENGE SERVERHASH=${mine} SERVERNONCE=${nonce.toString('hex')}\r\n`;
    }
    if (!line.startsWith('AUTHENTICATE ')) return null;
    const shown = line.slice('AUTHENTICATE '.length);
    const good = shown === this.#expected || shown === this.cookie.toString('hex');
    return good ? '250 OK\r\n' : '515 Authentication failed\r\n';
  }

  #expected = '';
}

function hmac(key: string, message: Buffer): string {
  return createHmac('sha256', key).update(message).digest('hex');
}
