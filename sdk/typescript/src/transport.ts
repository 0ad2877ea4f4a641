import type { paths } from "./api.ts";
import { APIConnectionError, APIError, errorOf } from "./errors.ts";

export type Method = "get" | "post" | "put" | "delete";
/** The paths of the API that have this method. */
export type PathWith<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P][M];
export type BodyOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: { content: { "application/json": infer B } } } ? B : undefined;
export type QueryOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { parameters: { query?: infer Q } } ? Q : undefined;
type PathValues<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { parameters: { path: infer V } } ? V : undefined;
/** The whole answer of an operation, in its envelope. */
export type AnswerOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R }
    ? { [S in keyof R]: R[S] extends { content: { "application/json": infer A } } ? A : undefined }[keyof R]
    : never;

export interface RequestOptions {
  /** What is done under the same key is done once; each POST has one of its own without it. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

type Given<P extends keyof paths, M extends Method> = RequestOptions & {
  path?: PathValues<P, M>;
  query?: QueryOf<P, M>;
  body?: BodyOf<P, M>;
};

export interface Settings {
  /** A key for programs. It opens no socket. */
  apiKey?: string;
  /** The access token of a login, or what gives one: it is called before each request. */
  token?: string | (() => string | Promise<string>);
  /** Where the API is. If left out: the variable AINTANDEM_BASE_URL, else the local stack's http://localhost:8000/aintandem/api/v1. */
  baseUrl?: string;
  /** Where its sockets are, if not beside it. */
  socketUrl?: string;
  /** How often a request is tried again; 2 if left out. */
  retries?: number;
  /** Milliseconds of one try; 30,000 if left out. */
  timeout?: number;
  fetch?: typeof fetch;
}

const BASE_URL = "http://localhost:8000/aintandem/api/v1";
const FIRST_PAUSE = 500; // milliseconds at most before the first repeat; twice as many before the next one
const LONGEST_PAUSE = 60_000; // if the platform asks for more patience, the error is raised at once
const UNDONE = [429, 503]; // the platform has done nothing: every request may be repeated
const UNKNOWN = [500, 502, 504]; // nobody knows what was done: what is safe to repeat is repeated

/** Sends requests and repeats what may be repeated. */
export class Transport {
  readonly baseUrl: string;
  readonly socketUrl: string;
  readonly retries: number;
  readonly #settings: Settings;

  constructor(settings: Settings) {
    if (settings.apiKey !== undefined && settings.token !== undefined) throw new TypeError("A client has one credential");
    this.#settings = settings;
    this.retries = settings.retries ?? 2;
    this.baseUrl = (settings.baseUrl ?? named() ?? BASE_URL).replace(/\/+$/, "");
    const beside = this.baseUrl.replace(/^http/, "ws").replace(/\/api\/v1$/, "") + "/ws";
    this.socketUrl = (settings.socketUrl ?? beside).replace(/\/+$/, "");
  }

  /** Sends a request of the document: its method and path are checked, and what they take and answer. Throws APIError. */
  async request<M extends Method, P extends PathWith<M>>(
    method: M,
    path: P,
    given: Given<P, M> = {},
  ): Promise<AnswerOf<P, M>> {
    const url = new URL(this.baseUrl + filled(path, given.path ?? {}));
    for (const [name, value] of Object.entries(given.query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    const headers = new Headers({ Accept: "application/json", "X-Client-Version": "aintandem-typescript/1.0.0" });
    if (given.body !== undefined) headers.set("Content-Type", "application/json");
    if (method === "post") headers.set("Idempotency-Key", given.idempotencyKey ?? crypto.randomUUID());
    const body = given.body === undefined ? undefined : JSON.stringify(given.body);
    const response = await this.#send(url, { method: method.toUpperCase(), headers, body, redirect: "error" }, given.signal);
    return (response.status === 204 ? undefined : await response.json()) as AnswerOf<P, M>;
  }

  /** Returns the token that opens a socket. */
  async token(): Promise<string> {
    const { token } = this.#settings;
    if (token === undefined) throw new TypeError("A socket needs a token; an API key does not open it");
    return typeof token === "string" ? token : await token();
  }

  async #send(url: URL, init: RequestInit & { headers: Headers }, signal?: AbortSignal): Promise<Response> {
    for (let tries = 0; ; tries++) {
      if (this.#settings.apiKey !== undefined) init.headers.set("X-API-Key", this.#settings.apiKey);
      else if (this.#settings.token !== undefined) init.headers.set("Authorization", `Bearer ${await this.token()}`);
      const limit = AbortSignal.timeout(this.#settings.timeout ?? 30_000);
      let asked = 0;
      try {
        const response = await (this.#settings.fetch ?? fetch)(url, {
          ...init,
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
        });
        if (response.ok) return response;
        const error = await errorOf(response);
        asked = 1000 * Number(response.headers.get("retry-after") ?? 0) || 0;
        const again = UNDONE.includes(error.status) ? error.code !== "RESOURCE_EXHAUSTED" : UNKNOWN.includes(error.status);
        if (!(again || (error.status === 409 && asked > 0)) || tries >= this.retries || asked > LONGEST_PAUSE) throw error;
      } catch (error) {
        if (error instanceof APIError || signal?.aborted) throw error;
        if (tries >= this.retries) throw new APIConnectionError(String(error), { cause: error });
      }
      await pause(asked + Math.random() * FIRST_PAUSE * 2 ** tries, signal);
    }
  }
}

/** Returns the address that a variable names; a browser has none. */
function named(): string | undefined {
  return typeof process === "undefined" ? undefined : process.env.AINTANDEM_BASE_URL;
}

/** Returns a path with these values in place of its braces. */
function filled(path: string, values: Record<string, unknown>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? "");
    if (/^\.*$/.test(value)) throw new TypeError(`An id is missing: ${name} of ${path}`);
    return encodeURIComponent(value);
  });
}

export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
