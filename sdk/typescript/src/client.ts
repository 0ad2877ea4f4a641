import type { components } from "./api.ts";
import { WaitError } from "./errors.ts";
import { Page } from "./page.ts";
import { Sandbox } from "./sandbox.ts";
import { type Frame, listen } from "./sockets.ts";
import { type AnswerOf, pause, type QueryOf, type RequestOptions, type Settings, Transport } from "./transport.ts";

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

class Messages extends Resource {
  async get(messageId: string): Promise<Schemas["MessageDetails"]> {
    return (await this.transport.request("get", "/messages/{message_id}", ofMessage(messageId))).data;
  }

  async retry(messageId: string): Promise<Schemas["SentMessage"]> {
    return (await this.transport.request("post", "/messages/{message_id}/retry", ofMessage(messageId))).data;
  }

  async approve(messageId: string): Promise<Schemas["SentMessage"]> {
    return (await this.transport.request("post", "/messages/{message_id}/approve", ofMessage(messageId))).data;
  }

  async reject(messageId: string, reason?: string): Promise<Schemas["SentMessage"]> {
    const given = { ...ofMessage(messageId), body: { reason } };
    return (await this.transport.request("post", "/messages/{message_id}/reject", given)).data;
  }

  async broadcast(workspaceId: string, body: Schemas["BroadcastMessage"]): Promise<Schemas["SentBroadcast"]> {
    const given = { ...inWorkspace(workspaceId), body };
    return (await this.transport.request("post", "/workspaces/{workspace_id}/broadcast", given)).data;
  }
}

class Collaborations extends Resource {
  /** Begins a task that several sandboxes do together. */
  async orchestrate(
    workspaceId: string,
    body: Schemas["OrchestrateCollaboration"],
    options: RequestOptions = {},
  ): Promise<WithId<Schemas["StartedCollaboration"]>> {
    const given = { ...options, ...inWorkspace(workspaceId), body };
    const { data } = await this.transport.request("post", "/workspaces/{workspace_id}/collaboration/orchestrate", given);
    return { ...data, id: data.collaboration_id };
  }

  async get(collaborationId: string): Promise<Schemas["CollaborationDetails"]> {
    return (await this.transport.request("get", "/collaborations/{collaboration_id}", ofCollaboration(collaborationId))).data;
  }

  async cancel(collaborationId: string): Promise<Schemas["CollaborationSummary"]> {
    const given = ofCollaboration(collaborationId);
    return (await this.transport.request("post", "/collaborations/{collaboration_id}/cancel", given)).data;
  }

  /** Reads the collaborations of a workspace, newest first; `next` of the answer is the `before` of the next page. */
  async list(
    workspaceId: string,
    query: QueryOf<"/workspaces/{workspace_id}/collaborations", "get"> = {},
  ): Promise<Schemas["CollaborationPage"]> {
    const given = { ...inWorkspace(workspaceId), query };
    return (await this.transport.request("get", "/workspaces/{workspace_id}/collaborations", given)).data;
  }

  /** Waits until a collaboration is completed, asking each `every` milliseconds. Throws WaitError if it ends otherwise, or not in `timeout`. */
  async wait(
    collaborationId: string,
    { timeout = Infinity, every = 5_000 }: { timeout?: number; every?: number } = {},
  ): Promise<Schemas["CollaborationDetails"]> {
    const ends = Date.now() + timeout;
    for (;;) {
      const state = await this.get(collaborationId);
      if (state.status === "completed") return state;
      if (state.status === "failed" || state.status === "cancelled" || Date.now() >= ends) {
        throw new WaitError(`The collaboration is ${state.status}${state.reason ? `: ${state.reason}` : ""}`);
      }
      await pause(every);
    }
  }

  /** Goes through what happens in a collaboration, as it happens. */
  listen(
    collaborationId: string,
    channels: readonly ("messages" | "events")[] = ["messages", "events"],
    signal?: AbortSignal,
  ): AsyncGenerator<Frame, void, undefined> {
    return listen(this.transport, `/collaborations/${collaborationId}`, channels, signal);
  }
}

class Agents extends Resource {
  /** Finds agents of a workspace's sandboxes by a capability, by a part of their role, or by their sandbox. */
  async discover(
    workspaceId: string,
    query: QueryOf<"/workspaces/{workspace_id}/agents/discover", "get"> = {},
  ): Promise<Schemas["DiscoveredAgents"]> {
    const given = { ...inWorkspace(workspaceId), query };
    return (await this.transport.request("get", "/workspaces/{workspace_id}/agents/discover", given)).data;
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

function ofMessage(messageId: string): { path: { message_id: string } } {
  return { path: { message_id: messageId } };
}

function ofCollaboration(collaborationId: string): { path: { collaboration_id: string } } {
  return { path: { collaboration_id: collaborationId } };
}

/** The client of the AInTandem API. `request` sends any operation of its document. */
export class AInTandemClient {
  readonly auth: Auth;
  readonly workspaces: Workspaces;
  readonly sandboxes: Sandboxes;
  readonly messages: Messages;
  readonly collaborations: Collaborations;
  readonly agents: Agents;
  readonly system: System;
  readonly request: Transport["request"];

  constructor(settings: Settings = {}) {
    const transport = new Transport(settings);
    this.auth = new Auth(transport);
    this.workspaces = new Workspaces(transport);
    this.sandboxes = new Sandboxes(transport);
    this.messages = new Messages(transport);
    this.collaborations = new Collaborations(transport);
    this.agents = new Agents(transport);
    this.system = new System(transport);
    this.request = transport.request.bind(transport);
  }
}
