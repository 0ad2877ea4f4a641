/** The platform refused a request. `code`, `message` and `details` are the API's own. */
export class APIError extends Error {
  override readonly name = "APIError";
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly requestId: string | undefined;

  constructor(status: number, code: string, message: string, details: Record<string, unknown>, requestId?: string) {
    const said = Object.keys(details).length ? `: ${JSON.stringify(details)}` : "";
    super(`${message} (${code}, ${status})${said}`);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

/** There was no answer: the address cannot be reached, or the connection broke or took too long. */
export class APIConnectionError extends Error {
  override readonly name = "APIConnectionError";
}

/** What was waited for has not come in the given time, or cannot come any more. */
export class WaitError extends Error {
  override readonly name = "WaitError";
}

/** Returns the error that an answer is, also of one that is not the platform's own, as a proxy's. */
export async function errorOf(response: Response): Promise<APIError> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = record(record(body).error);
  const code = typeof error.code === "string" ? error.code : `HTTP_${response.status}`;
  const message = typeof error.message === "string" ? error.message : response.statusText || "No answer of the API";
  return new APIError(response.status, code, message, record(error.details), response.headers.get("x-request-id") ?? undefined);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
