"""Counters, gauges and histograms as plain numbers, and how they are shown to Prometheus.

Counting is adding to a number on the loop's thread, since a counter of prometheus-client costs a lock and a
microsecond; a collector reads the numbers when somebody scrapes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Number:
    """A counter or a gauge: add to `value`, or set it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Spread:
    """A histogram: how many observations fell into each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, observations up to it), as Prometheus wants them."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))


Child = TypeVar("Child", Number, Spread)


class Family(Generic[Child]):
    """One metric; called with the values of its labels it answers with the child that they name."""

    def __init__(
        self, metric: Callable[[], Metric], labels: tuple[str, ...], make: Callable[[], Child]
    ) -> None:
        self.metric = metric
        self.labels = labels
        self._make: Callable[[], Child] = make
        self.children: dict[tuple[str, ...], Child] = {}

    def __call__(self, *values: str) -> Child:
        child = self.children.get(values)
        if child is None:
            assert len(values) == len(self.labels), self.labels
            child = self.children[values] = self._make()
        return child

    def collect(self) -> Metric:
        metric = self.metric()
        for values, child in self.children.items():
            if isinstance(child, Spread):
                metric.add_metric(values, child.buckets(), child.total)  # type: ignore[attr-defined]
            else:
                metric.add_metric(values, child.value)  # type: ignore[attr-defined]
        return metric


class Families(Collector):
    """Metrics that are declared once, when it is made, and the figures of the process beside them."""

    def __init__(self) -> None:
        self.families: list[Family[Number] | Family[Spread]] = []
        self.registry = CollectorRegistry()
        self.registry.register(self)
        for process in (ProcessCollector, PlatformCollector, GCCollector):
            process(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Family[Number]:
        return self._add(
            Family(lambda: CounterMetricFamily(f"boardcast_{name}", text, labels=labels), labels, Number)
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Family[Number]:
        return self._add(
            Family(lambda: GaugeMetricFamily(f"boardcast_{name}", text, labels=labels), labels, Number)
        )

    def _spread(self, name: str, text: str, bounds: tuple[float, ...], *labels: str) -> Family[Spread]:
        def metric() -> Metric:
            return HistogramMetricFamily(f"boardcast_{name}", text, labels=labels)

        return self._add(Family(metric, labels, lambda: Spread(bounds)))

    def _add(self, family: Family[Child]) -> Family[Child]:
        self.families.append(family)
        return family

    def collect(self) -> Iterator[Metric]:
        return (family.collect() for family in self.families)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """Everything as text, and its content type: OpenMetrics when `accept` asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
