"""Agents: their definitions (`catalogue`), the tools they may call (`tools`) and the language models behind them (`providers`)."""
