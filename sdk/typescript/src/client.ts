import type { components } from "./api.ts";
import { Page } from "./page.ts";
import { Sandbox } from "./sandbox.ts";
import { type AnswerOf, type QueryOf, type RequestOptions, type Settings, Transport } from "./transport.ts";

type Schemas = components["schemas"];
type WithId<T> = T & { readonly id: string };
export type Workspace = WithId<Schemas["WorkspaceFields"]>;

/** Returns a workspace with its id by that name too. */
function opened<T extends { workspace_id: string }>(data: T): WithId<T> {
  return { ...data, id: data.workspace_id };
}

class Resource {
  protected readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }
}

class Auth extends Resource {
  async register(body: Schemas["RegisterRequest"]): Promise<Schemas["RegisteredUser"]> {
    return (await this.transport.request("post", "/auth/register", { body })).data;
  }

  async login(body: Schemas["LoginRequest"]): Promise<Schemas["LoginData"]> {
    return (await this.transport.request("post", "/auth/login", { body })).data;
  }

  async refresh(body: Schemas["RefreshRequest"]): Promise<Schemas["RefreshData"]> {
    return (await this.transport.request("post", "/auth/refresh", { body })).data;
  }

  async logout(): Promise<void> {
    await this.transport.request("post", "/auth/logout");
  }
}

class Workspaces extends Resource {
  async list(query: QueryOf<"/workspaces", "get"> = {}): Promise<Page<Workspace>> {
    const ask = (page?: number): Promise<AnswerOf<"/workspaces", "get">> =>
      this.transport.request("get", "/workspaces", { query: page ? { ...query, page } : query });
    return Page.read(ask, opened);
  }

  async create(body: Schemas["CreateWorkspace"], options: RequestOptions = {}): Promise<Workspace> {
    return opened((await this.transport.request("post", "/workspaces", { ...options, body })).data);
  }

  async get(workspaceId: string): Promise<WithId<Schemas["WorkspaceDetails"]>> {
    return opened((await this.transport.request("get", "/workspaces/{workspace_id}", inWorkspace(workspaceId))).data);
  }

  async update(workspaceId: string, body: Schemas["UpdateWorkspace"]): Promise<WithId<Schemas["UpdatedWorkspace"]>> {
    const given = { ...inWorkspace(workspaceId), body };
    return opened((await this.transport.request("put", "/workspaces/{workspace_id}", given)).data);
  }

  async delete(workspaceId: string): Promise<void> {
    await this.transport.request("delete", "/workspaces/{workspace_id}", inWorkspace(workspaceId));
  }

  async listSandboxes(workspaceId: string, query: SandboxQuery = {}): Promise<Page<Sandbox>> {
    return new Sandboxes(this.transport).list(workspaceId, query);
  }

  async getConfig(workspaceId: string): Promise<Schemas["WorkspaceConfig"]> {
    return (await this.transport.request("get", "/workspaces/{workspace_id}/config", inWorkspace(workspaceId))).data;
  }

  async updateConfig(workspaceId: string, body: Schemas["UpdateConfig"]): Promise<Schemas["WorkspaceConfig"]> {
    const given = { ...inWorkspace(workspaceId), body };
    return (await this.transport.request("put", "/workspaces/{workspace_id}/config", given)).data;
  }

  async getMetrics(
    workspaceId: string,
    query: QueryOf<"/workspaces/{workspace_id}/metrics/aggregate", "get"> = {},
  ): Promise<Schemas["AggregateMetrics"]> {
    const given = { ...inWorkspace(workspaceId), query };
    return (await this.transport.request("get", "/workspaces/{workspace_id}/metrics/aggregate", given)).data;
  }
}

export type SandboxQuery = NonNullable<QueryOf<"/workspaces/{workspace_id}/sandboxes", "get">>;

class Sandboxes extends Resource {
  /** Makes a sandbox and starts it. */
  async create(workspaceId: string, config: Schemas["CreateSandbox"], options: RequestOptions = {}): Promise<Sandbox> {
    const given = { ...options, ...inWorkspace(workspaceId), body: config };
    const { data } = await this.transport.request("post", "/workspaces/{workspace_id}/sandboxes", given);
    return new Sandbox(this.transport, data);
  }

  async get(sandboxId: string): Promise<Sandbox> {
    const path = { sandbox_id: sandboxId };
    return new Sandbox(this.transport, (await this.transport.request("get", "/sandboxes/{sandbox_id}", { path })).data);
  }

  async list(workspaceId: string, query: SandboxQuery = {}): Promise<Page<Sandbox>> {
    const ask = (page?: number): Promise<AnswerOf<"/workspaces/{workspace_id}/sandboxes", "get">> => {
      const given = { ...inWorkspace(workspaceId), query: page ? { ...query, page } : query };
      return this.transport.request("get", "/workspaces/{workspace_id}/sandboxes", given);
    };
    return Page.read(ask, (data) => new Sandbox(this.transport, data));
  }
}

class System extends Resource {
  async health(): Promise<Schemas["HealthData"]> {
    return (await this.transport.request("get", "/system/health")).data;
  }

  async info(): Promise<Schemas["Info"]> {
    return (await this.transport.request("get", "/system/info")).data;
  }
}

function inWorkspace(workspaceId: string): { path: { workspace_id: string } } {
  return { path: { workspace_id: workspaceId } };
}

/** The client of the AInTandem API. `request` sends any operation of its document. */
export class AInTandemClient {
  readonly auth: Auth;
  readonly workspaces: Workspaces;
  readonly sandboxes: Sandboxes;
  readonly system: System;
  readonly request: Transport["request"];

  constructor(settings: Settings = {}) {
    const transport = new Transport(settings);
    this.auth = new Auth(transport);
    this.workspaces = new Workspaces(transport);
    this.sandboxes = new Sandboxes(transport);
    this.system = new System(transport);
    this.request = transport.request.bind(transport);
  }
}
