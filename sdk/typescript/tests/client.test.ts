/** The client without a platform: what it sends, what it makes of answers, what it tries again, how its sockets go on. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";

import { AInTandemClient, APIConnectionError, APIError, type Frame, WaitError } from "../src/index.ts";

const BASE = "https://api.example.com/api/v1";
const META = { request_id: "req-1", timestamp: "2026-11-01T00:00:00.000Z" };
const CREATED = {
  sandbox_id: "sb_1",
  name: "frontend-team",
  status: "provisioning",
  connection_details: { collaboration_bus_url: "", api_endpoint: "" },
  created_at: META.timestamp,
};
const TEAM = { name: "frontend-team", agent_config: { primary_agent: { name: "frontend-architect" } } };

type Answer = Response | Error;
const data = (body: unknown, status = 200): Response => Response.json({ success: true, data: body, meta: META }, { status });
const refusal = (status: number, code: string, details?: object, headers?: Record<string, string>): Response =>
  Response.json({ success: false, error: { code, message: "Said so", details }, meta: META }, { status, headers });
const page = (entries: unknown[], number: number, pages: number): Response =>
  Response.json({
    success: true,
    data: entries,
    meta: { ...META, total: pages, page: number, per_page: 1, total_pages: pages, has_next: number < pages, has_prev: number > 1 },
  });

/** A client in front of answers that are used up one by one; an error among them is a connection that breaks. */
function clientOf(...answers: Answer[]): { client: AInTandemClient; sent: Request[] } {
  const sent: Request[] = [];
  const answered: typeof fetch = async (input, init) => {
    sent.push(new Request(input, init));
    const answer = answers.shift();
    assert.ok(answer !== undefined, "nobody expected another request");
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { client: new AInTandemClient({ apiKey: "sk-1", baseUrl: BASE, fetch: answered }), sent };
}

const said = (sent: Request[]): string[] => sent.map(({ method, url }) => `${method} ${url.slice(BASE.length)}`);

test("a list goes on through its pages, and each thing has an id", async () => {
  const { client, sent } = clientOf(page([{ workspace_id: "ws_a" }], 1, 2), page([{ workspace_id: "ws_b" }], 2, 2));
  const found = await client.workspaces.list({ per_page: 1 });
  assert.equal(found.meta.total, 2);
  const ids: string[] = [];
  for await (const one of found.all()) ids.push(one.id);
  assert.deepEqual(ids, ["ws_a", "ws_b"]);
  assert.deepEqual(said(sent), ["GET /workspaces?per_page=1", "GET /workspaces?per_page=1&page=2"]);
  assert.equal(sent[0]?.headers.get("x-api-key"), "sk-1");
});

test("to start what starts already is no error, and what cannot start is one", async () => {
  for (const status of ["provisioning", "starting", "restarting", "running"]) {
    const { client, sent } = clientOf(data(CREATED, 201), refusal(409, "SANDBOX_NOT_READY", { status }));
    const sandbox = await client.sandboxes.create("ws_1", TEAM);
    await sandbox.start();
    assert.deepEqual([sandbox.id, sandbox.name, sandbox.status], ["sb_1", "frontend-team", "provisioning"]);
    assert.deepEqual(await sent[0]?.json(), TEAM);
  }
  const { client } = clientOf(data(CREATED, 201), refusal(409, "SANDBOX_NOT_READY", { status: "stopping" }));
  const sandbox = await client.sandboxes.create("ws_1", TEAM);
  await assert.rejects(sandbox.start(), (error: unknown) => {
    assert.ok(error instanceof APIError);
    assert.deepEqual([error.status, error.code, error.details], [409, "SANDBOX_NOT_READY", { status: "stopping" }]);
    return true;
  });
});

test("who waits for a sandbox that is in error learns why", async () => {
  const { client } = clientOf(data(CREATED, 201), data({ status: "error", reason: "It crashed" }));
  const sandbox = await client.sandboxes.create("ws_1", TEAM);
  await assert.rejects(sandbox.waitUntilRunning(), (error: unknown) => error instanceof WaitError && /crashed/.test(error.message));
});

test("a post is repeated under its key, and a limit of the plan is not asked again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const timer = setInterval(() => context.mock.timers.tick(60_000), 1);
  const { client, sent } = clientOf(refusal(503, "SERVICE_UNAVAILABLE"), new TypeError("lost"), data(CREATED, 201));
  await client.sandboxes.create("ws_1", TEAM);
  assert.equal(new Set(sent.map((one) => one.headers.get("idempotency-key"))).size, 1);
  assert.equal(sent.length, 3);
  const full = clientOf(refusal(429, "RESOURCE_EXHAUSTED", { limit: 5 }));
  await assert.rejects(full.client.sandboxes.create("ws_1", TEAM), APIError);
  const hours = clientOf(refusal(429, "RATE_LIMIT_EXCEEDED", {}, { "retry-after": "3600" }));
  await assert.rejects(hours.client.workspaces.list(), APIError);
  const gone = clientOf(new TypeError("lost"), new TypeError("lost"), new TypeError("lost"));
  await assert.rejects(gone.client.workspaces.list(), APIConnectionError);
  clearInterval(timer);
});

test("an id that is missing asks nobody, and one with a slash stays one", async () => {
  const { client, sent } = clientOf(data({ workspace_id: "ws_1" }));
  for (const id of ["", ".", ".."]) await assert.rejects(client.workspaces.get(id), TypeError);
  await client.workspaces.get("a/../b");
  assert.deepEqual(said(sent), ["GET /workspaces/a%2F..%2Fb"]);
});

test("a client has one credential, and a key opens no socket", async () => {
  assert.throws(() => new AInTandemClient({ apiKey: "sk-1", token: "t" }), TypeError);
  const { client } = clientOf(data(CREATED, 201));
  const sandbox = await client.sandboxes.create("ws_1", TEAM);
  await assert.rejects(sandbox.listen().next(), /API key/);
});

test("a socket goes on after a connection that broke off and shows nothing twice", async () => {
  const frame = (sequence: string | number, channel = "logs"): object => ({ channel, event: "e", data: {}, timestamp: "t", sequence });
  const answer = { channel: "control", event: "subscribed", data: {}, timestamp: "t" };
  const sockets = await serve([
    [answer, frame(1), frame(3), frame("t#a", "events")],
    [answer, frame("t#a", "events"), frame(4)],
  ]);
  const client = new AInTandemClient({ token: async () => "a token", baseUrl: sockets.url, fetch: async () => data(CREATED, 201) });
  const sandbox = await client.sandboxes.create("ws_1", TEAM);
  const heard: Frame[] = [];
  for await (const one of sandbox.listen(["logs", "events"])) if (heard.push(one) === 4) break;
  sockets.close();
  assert.deepEqual(heard.map((one) => one.sequence), [1, 3, "t#a", 4]); // prettier-ignore
  const first = { action: "subscribe", channels: ["logs", "events"] };
  assert.deepEqual(sockets.asked, [first, { ...first, last_sequence: { logs: 3, events: "t#a" } }]);
  assert.deepEqual(sockets.paths, Array(2).fill("/aintandem/ws/sandboxes/sb_1?token=a+token"));
});

/** A server of sockets: each connection gets the next messages after the client has said something, and is closed then. */
async function serve(connections: object[][]): Promise<{ url: string; asked: unknown[]; paths: string[]; close: () => void }> {
  const asked: unknown[] = [];
  const paths: string[] = [];
  const server = createServer();
  server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    paths.push(String(request.url));
    const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${key.digest("base64")}\r\n\r\n`,
    );
    socket.once("data", (bytes: Buffer) => {
      const long = (bytes[1]! & 127) === 126;
      const length = long ? bytes.readUInt16BE(2) : bytes[1]! & 127;
      const mask = bytes.subarray(long ? 4 : 2, long ? 8 : 6);
      const text = bytes.subarray(long ? 8 : 6).subarray(0, length).map((byte, at) => byte ^ mask[at % 4]!); // prettier-ignore
      asked.push(JSON.parse(Buffer.from(text).toString()));
      for (const message of connections.shift() ?? []) {
        const payload = Buffer.from(JSON.stringify(message));
        socket.write(Buffer.concat([Buffer.from([0x81, payload.length]), payload])); // each is shorter than 126 bytes
      }
      socket.end(Buffer.from([0x88, 2, 0x03, 0xe9])); // 1001: going away
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/aintandem/api/v1`, asked, paths, close: () => server.close() };
}
