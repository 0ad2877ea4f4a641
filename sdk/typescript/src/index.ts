/** The TypeScript client of the AInTandem API. */
export type { components, operations, paths } from "./api.ts";
export { AInTandemClient, type SandboxQuery, type Workspace } from "./client.ts";
export { APIConnectionError, APIError, WaitError } from "./errors.ts";
export { Page, type PageInfo } from "./page.ts";
export { type Channel, type MessageOptions, Sandbox } from "./sandbox.ts";
export type { Frame } from "./sockets.ts";
export type { RequestOptions, Settings } from "./transport.ts";
