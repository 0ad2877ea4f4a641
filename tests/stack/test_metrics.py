"""`/metrics` on the deployed stack: what the functions logged, counted by the engine."""

import requests

from local.stack import LocalStack


def test_the_figures_are_those_of_what_was_asked(stack: LocalStack) -> None:
    body = {"name": "Mae", "email": "metrics@example.com", "password": "correct horse"}
    token = requests.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=30).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    def ask(path: str) -> requests.Response:
        return requests.get(stack.url("enterprise") + path, headers=headers, timeout=30)

    for _ in range(5):
        assert ask("/organizations").status_code == 200
    answer = ask("/metrics?time_range=6h&aggregation=5m")  # nobody else asks for this range: what is kept would be older
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    shown = data["metrics"]
    assert shown["api_requests_total"] >= 6
    assert shown["database_query_count"] > 6
    assert 0 < shown["api_latency_p50_ms"] <= shown["api_latency_p95_ms"] <= shown["api_latency_p99_ms"]
    assert 0 <= shown["error_rate_percent"] < 100
    assert 0 < shown["cache_hit_rate"] < 100
    assert [name for name, value in shown.items() if value is None] == ["cpu_percent", "memory_percent"]
    assert sum(one["api_requests_total"] for one in data["points"]) == shown["api_requests_total"]
