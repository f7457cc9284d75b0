import { ERRNO, errnoName, loadLibc, type Libc } from '../../native/libc.ts';
import { decodeDatagram, DATAGRAM_BYTES, type ConnectorMessage, type ProcessMessage } from './decode.ts';
import { Gaps } from './gaps.ts';
import {
  CN_IDX_PROC,
  connectorRequest,
  NETLINK_CONNECTOR,
  PROC_CN_MCAST_IGNORE,
  PROC_CN_MCAST_LISTEN,
} from './protocol.ts';

/** socket(2), netlink(7) and socket(7) as on Linux of 64 bits. */
const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
/** Length of `struct sockaddr_nl`: family, padding, port id, groups. */
const SOCKADDR_NL = 12;

/** What the kernel may keep for us, bytes; it counts about 800 for an event, and takes twice what is named. */
const BUFFER_BYTES = 16 * 1024 * 1024;

/** Datagrams among which the answer to a request is looked for: it is there before the request returns. */
const ANSWER_WITHIN = 100_000;

/** Whom the connector tells. */
export interface ConnectorListener {
  readonly message: (message: ProcessMessage) => void;
  /** Events were lost just now; how many is told as it becomes known, so that this may come with 0 first. */
  readonly lost: (count: number) => void;
}

/**
 * A subscription to the kernel's process events (linux/cn_proc.h). Messages are believed from the kernel alone. Every kind
 * is asked for, since the kernel counts what its filter holds back as it does what is lost.
 */
export class ProcessConnector {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #listener: ConnectorListener;
  readonly #gaps = new Gaps();
  readonly #bytes = Buffer.alloc(DATAGRAM_BYTES);
  readonly #sender = Buffer.alloc(SOCKADDR_NL);
  #acknowledged: { readonly token: number; readonly error: number } | undefined;
  /** Why the socket gives nothing any more. */
  failure: string | undefined;
  /** Datagrams that were not the kernel's or not understood. */
  refused = 0;

  private constructor(libc: Libc, fd: number, listener: ConnectorListener) {
    this.#libc = libc;
    this.fd = fd;
    this.#listener = listener;
  }

  /**
   * Subscribes. Gives the reason in words where that is not allowed: without rights (before Linux 6.6), in another pid, user
   * or network namespace than the first, in a kernel without it. `token` tells our request from those of others.
   */
  static open(
    listener: ConnectorListener,
    token: number,
    libc: Libc = loadLibc(),
  ): ProcessConnector | string {
    const fd = libc.socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_CONNECTOR);
    if (fd < 0) return `socket: ${errnoName(fd)}`;
    const connector = new ProcessConnector(libc, fd, listener);
    const refusal = connector.#subscribe(token);
    if (refusal === undefined) return connector;
    libc.close(fd);
    return refusal;
  }

  #subscribe(token: number): string | undefined {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(BUFFER_BYTES);
    if (this.#libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, size) < 0) {
      this.#libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, size);
    }
    const address = Buffer.alloc(SOCKADDR_NL);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(CN_IDX_PROC, 8);
    const bound = this.#libc.bind(this.fd, address);
    if (bound < 0) return `bind: ${errnoName(bound)}`;
    const sent = this.#libc.send(this.fd, connectorRequest(PROC_CN_MCAST_LISTEN, token), 0);
    if (sent < 0) return `send: ${errnoName(sent)}`;
    return this.#answer(token + 1);
  }

  /** Why the request was refused; a kernel that does not let us says nothing at all. */
  #answer(acknowledged: number): string | undefined {
    for (let left = ANSWER_WITHIN; left > 0 && this.#receive(); left -= 1) {
      if (this.#acknowledged?.token !== acknowledged) continue;
      const { error } = this.#acknowledged;
      return error === 0 ? undefined : `the kernel refused: ${errnoName(-error)}`;
    }
    return 'the kernel does not answer: the agent is not in its first namespaces';
  }

  /** Reads until nothing is left, `most` datagrams at most. Gives whether nothing was left. */
  drain(most: number): boolean {
    for (let left = most; left > 0; left -= 1) if (!this.#receive()) return true;
    return false;
  }

  /** Ends the subscription. */
  close(): void {
    this.#libc.send(this.fd, connectorRequest(PROC_CN_MCAST_IGNORE, 0), 0);
    this.#libc.close(this.fd);
  }

  /** One datagram; false when there was none. */
  #receive(): boolean {
    const length = this.#libc.recvfrom(this.fd, this.#bytes, 0, this.#sender);
    if (length === -ERRNO.ENOBUFS) {
      this.#listener.lost(0);
      return true;
    }
    if (length === -ERRNO.EINTR) return true;
    if (length < 0) {
      if (length !== -ERRNO.EAGAIN) this.failure = `recvfrom: ${errnoName(length)}`;
      return false;
    }
    // Port id 0 is the kernel: anyone with rights over the network may send to this socket (netlink(7)).
    if (this.#sender.readUInt32LE(4) !== 0) {
      this.refused += 1;
      return true;
    }
    const { messages, refused } = decodeDatagram(this.#bytes.subarray(0, length));
    this.refused += refused;
    for (const message of messages) this.#take(message);
    return true;
  }

  #take(message: ConnectorMessage): void {
    const missing = this.#gaps.before(message.cpu, message.sequence);
    if (missing > 0) this.#listener.lost(missing);
    if (message.kind !== 'acknowledgement') this.#listener.message(message);
    else this.#acknowledged = { token: message.acknowledged, error: message.error };
  }
}
