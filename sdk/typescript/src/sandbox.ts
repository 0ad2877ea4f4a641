import type { components } from "./api.ts";
import { APIError, WaitError } from "./errors.ts";
import { type Frame, listen } from "./sockets.ts";
import { pause, type QueryOf, type Transport } from "./transport.ts";

type Schemas = components["schemas"];
/** What a message may have beside its recipient and content. */
export type MessageOptions = Omit<Schemas["SendMessage"], "to_sandbox" | "content">;
export type Channel = "messages" | "events" | "logs" | "metrics";
type Data = Schemas["CreatedSandbox"] | Schemas["SandboxSummary"] | Schemas["SandboxDetails"];

const STARTS: readonly unknown[] = ["provisioning", "starting", "restarting", "running"]; // it runs or will run by itself
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000; // milliseconds: an hour has 200 requests of this kind

/** A sandbox, and what is asked of it. `data` is what the platform said of it when this object was made. */
export class Sandbox {
  readonly data: Data;
  readonly #transport: Transport;

  constructor(transport: Transport, data: Data) {
    this.#transport = transport;
    this.data = data;
  }

  get id(): string {
    return this.data.sandbox_id;
  }

  get name(): string {
    return this.data.name;
  }

  /** The status when this object was made; `getStatus` asks for the present one. */
  get status(): string {
    return this.data.status;
  }

  /** Starts the sandbox. One that runs or starts already goes on: `sandboxes.create` starts what it makes. */
  async start(): Promise<void> {
    try {
      await this.#transport.request("post", "/sandboxes/{sandbox_id}/start", this.#path);
    } catch (error) {
      const starts = error instanceof APIError && error.code === "SANDBOX_NOT_READY" && STARTS.includes(error.details.status);
      if (!starts) throw error;
    }
  }

  async stop(): Promise<Schemas["StoppedSandbox"]> {
    return (await this.#transport.request("post", "/sandboxes/{sandbox_id}/stop", this.#path)).data;
  }

  async restart(): Promise<Schemas["StartedSandbox"]> {
    return (await this.#transport.request("post", "/sandboxes/{sandbox_id}/restart", this.#path)).data;
  }

  async delete(): Promise<void> {
    await this.#transport.request("delete", "/sandboxes/{sandbox_id}", this.#path);
  }

  /** Reads the sandbox with its configuration, health and last measurements. */
  async get(): Promise<Schemas["SandboxDetails"]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}", this.#path)).data;
  }

  async getStatus(): Promise<Schemas["SandboxStatus"]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}/status", this.#path)).data;
  }

  /** Waits until the sandbox runs, at most `timeout` milliseconds. Throws WaitError, at once if it does not start. */
  async waitUntilRunning(timeout = 90_000): Promise<Schemas["SandboxStatus"]> {
    const ends = Date.now() + timeout;
    for (let next = FIRST_PAUSE; ; next = Math.min(2 * next, LONGEST_PAUSE)) {
      const state = await this.getStatus();
      if (state.status === "running") return state;
      if (!STARTS.includes(state.status) || Date.now() >= ends) {
        throw new WaitError(`Sandbox ${this.name} is ${state.status}${state.reason ? `: ${state.reason}` : ""}`);
      }
      await pause(next);
    }
  }

  /** Reads the newest lines of its log, oldest first. */
  async getLogs(query: QueryOf<"/sandboxes/{sandbox_id}/logs", "get"> = {}): Promise<Schemas["LogLine"][]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}/logs", { ...this.#path, query })).data.logs;
  }

  async getMetrics(): Promise<Schemas["SandboxMetrics"]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}/metrics", this.#path)).data;
  }

  async getConfig(): Promise<Schemas["SandboxConfig"]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}/config", this.#path)).data;
  }

  /** Changes its configuration; `pending_changes` of the answer names what waits for its next start. */
  async updateConfig(body: Schemas["UpdateSandboxConfig"]): Promise<Schemas["SandboxConfig"]> {
    return (await this.#transport.request("put", "/sandboxes/{sandbox_id}/config", { ...this.#path, body })).data;
  }

  /** Sends a message from this sandbox to another one, named by its name or id. Without a `message_type` it is a request. */
  async sendMessage(to: string, content: unknown, more: MessageOptions = {}): Promise<Schemas["SentMessage"]> {
    const body = { ...more, to_sandbox: to, content };
    return (await this.#transport.request("post", "/sandboxes/{sandbox_id}/messages", { ...this.#path, body })).data;
  }

  /** Reads its messages, newest first; `meta.next` of the answer is the `before` of the next page. */
  async getMessages(query: QueryOf<"/sandboxes/{sandbox_id}/messages", "get"> = {}): Promise<Schemas["MessageList"]> {
    return (await this.#transport.request("get", "/sandboxes/{sandbox_id}/messages", { ...this.#path, query })).data;
  }

  /** Goes through what happens to the sandbox, as it happens; without channels: its messages and events. */
  listen(channels: readonly Channel[] = ["messages", "events"], signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    return listen(this.#transport, `/sandboxes/${this.id}`, channels, signal);
  }

  get #path(): { path: { sandbox_id: string } } {
    return { path: { sandbox_id: this.id } };
  }
}
