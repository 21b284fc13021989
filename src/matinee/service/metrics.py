"""What operators watch: counters and latencies in a registry of their own, in Prometheus' text format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from matinee.service.watched import Watched

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """All measurements of one service; two services in one process do not share them."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._raised: set[str] = set()
        self.requests = Counter("matinee_requests", "answers by path and status", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "matinee_request_seconds", "time to answer", ["path"], buckets=SECONDS, registry=registry
        )
        self.in_flight = Gauge("matinee_in_flight", "requests being answered now", registry=registry)
        self.shed = Counter("matinee_shed", "requests refused because too many were in flight", registry=registry)
        self.fallbacks = Counter(
            "matinee_fallback", "steps that did not answer", ["surface", "step", "reason"], registry=registry
        )
        self.events = Counter("matinee_events", "events by what became of them", ["status"], registry=registry)
        self.commit = Histogram(
            "matinee_commit_seconds", "time until the log has made a write durable", buckets=SECONDS, registry=registry
        )
        self.members = Gauge("matinee_members_cached", "members whose history is in memory", registry=registry)
        self.refusals = Gauge(
            "matinee_trainings_refused", "models whose last training collapsed and was not kept", registry=registry
        )
        self.learner = Gauge(
            "matinee_learner", "what the billboard that learns tells of itself", ["measure"], registry=registry
        )
        self.alarms = Gauge(
            "matinee_alarm", "1 while something is wrong beside the service", ["name"], registry=registry
        )
        self.loops = Gauge(
            "matinee_loops", "what the log says of feedback loops, by measure", ["measure"], registry=registry
        )
        self.reloads = Counter("matinee_reloads", "new policies by outcome", ["outcome"], registry=registry)

    def watch(self, watched: Watched) -> None:
        """Take over what works beside the service tells of itself; an alarm that was raised and is over is 0."""
        for name, value in watched.gauges.items():
            self.learner.labels(name).set(value)
        self._raised |= (raised := {one.name for one in watched.alarms})
        for name in self._raised:
            self.alarms.labels(name).set(name in raised)

    def text(self) -> bytes:
        """Everything measured so far, in the text format that Prometheus scrapes."""
        return generate_latest(self._registry)
