import { APIConnectionError, APIError } from "./errors.ts";
import { pause, type Transport } from "./transport.ts";

/** A message of a socket. `sequence` tells it from others of its channel. */
export interface Frame {
  channel: string;
  event: string;
  data: Record<string, unknown>;
  timestamp: string;
  sequence?: string | number;
}

const SILENCE = 240_000; // milliseconds: the platform ends a connection on which nothing is said for ten minutes
const REMEMBERED = 5_000; // frames that are known again: a new connection begins with the last seconds before the old one's end
const FIRST_PAUSE = 500;

/** Goes through what some channels of a socket say, without end; after a connection that broke off the next one goes on there. */
export async function* listen(
  transport: Transport,
  path: string,
  channels: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  const places: Record<string, string | number> = {};
  const seen = new Set<string>();
  for (let failures = 0; !signal?.aborted; ) {
    const connection = new Connection(`${transport.socketUrl}${path}?${new URLSearchParams({ token: await transport.token() })}`);
    const end = (): void => connection.close();
    signal?.addEventListener("abort", end);
    try {
      const asked = { action: "subscribe", channels, ...(Object.keys(places).length ? { last_sequence: places } : {}) };
      for await (const frame of connection.frames(asked)) {
        failures = 0;
        if (frame.sequence !== undefined) {
          const key = `${frame.channel} ${frame.sequence}`;
          if (seen.has(key)) continue;
          seen.add(key);
          if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as string); // the oldest
          const last = places[frame.channel];
          if (last === undefined || frame.sequence > last) places[frame.channel] = frame.sequence;
        }
        yield frame;
      }
    } finally {
      signal?.removeEventListener("abort", end);
      connection.close();
    }
    if (signal?.aborted) return;
    if (failures >= transport.retries) throw new APIConnectionError(`The socket ${path} broke off: ${connection.reason}`);
    await pause(Math.random() * FIRST_PAUSE * 2 ** failures++);
  }
}

/** One connection. Its frames end when it ends. */
class Connection {
  reason = "";
  readonly #socket: WebSocket;
  readonly #waiting: Frame[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(address: string) {
    this.#socket = new WebSocket(address);
  }

  async *frames(asked: object): AsyncGenerator<Frame, void, undefined> {
    const socket = this.#socket;
    socket.onopen = () => socket.send(JSON.stringify(asked));
    socket.onmessage = ({ data }) => {
      this.#waiting.push(JSON.parse(String(data)) as Frame);
      this.#wake();
    };
    socket.onclose = ({ code, reason }) => {
      this.#ended = true;
      this.reason = `${code} ${reason}`.trim();
      this.#wake();
    };
    socket.onerror = () => undefined; // `onclose` comes after it
    const ping = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"action": "ping"}'), SILENCE);
    try {
      while (!this.#ended || this.#waiting.length) {
        const frame = this.#waiting.shift();
        if (frame === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if (frame.channel !== "control" || frame.event === "gap") yield frame;
        else if (frame.event === "error") throw new APIError(0, String(frame.data.code), String(frame.data.message), {});
      }
    } finally {
      clearInterval(ping);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
