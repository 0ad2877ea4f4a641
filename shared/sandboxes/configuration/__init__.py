"""Configuration of a workspace: model providers, MCP servers, and who may write to whom."""
