"""The pack as objects for the Prometheus operator and Grafana's sidecar. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Metadata", "dashboard", "kustomization", "prometheus_rule", "service_monitor"]

_PART_OF = {"app.kubernetes.io/part-of": "recwatch"}
# The operator makes the Services of its own Prometheus and Alertmanager, with these labels and this port.
_OPERATED = {"prometheus": "operated-prometheus", "alertmanager": "operated-alertmanager"}
# A further recommender is a further Service; the operator calls `service` what the Service is called.
_NAMED_BY_SERVICE = {"recommender"}

Object = dict[str, Any]


@dataclass(frozen=True)
class Metadata:
    """What every object gets.

    Attributes:
        namespace: where it belongs; empty leaves that to whoever applies it.
        labels: besides those of the pack, such as `release: kube-prometheus-stack`, by which an
            operator selects.
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str, **more: str) -> Object:
        """The `metadata` of one object."""
        where = {"namespace": self.namespace} if self.namespace else {}
        return {"name": name, **where, "labels": {**_PART_OF, **more, **self.labels}}


def prometheus_rule(stem: str, groups: Sequence[Object], metadata: Metadata) -> Object:
    """The groups of one file. Prometheus's `{{ }}` are plain text to Kubernetes."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata.of(_name(stem)),
        "spec": {"groups": list(groups)},
    }


def service_monitor(
    job: Object, defaults: Object, metadata: Metadata, namespaces: Sequence[str] = ()
) -> Object:
    """How one part is scraped.

    Args:
        job: of `scrape_configs` in prometheus.yml.
        defaults: its `global`.
        metadata: what the object gets.
        namespaces: where the Service of a part of recwatch may be; none for every one. Prometheus and
            Alertmanager are looked for in the object's own.
    """
    name = job["job_name"]
    operated = _OPERATED.get(name)
    labels = {"job": name} if name in _NAMED_BY_SERVICE else {"job": name, "service": name}
    endpoint: Object = {
        "port": "web" if operated else "http",
        "path": job.get("metrics_path", "/metrics"),
        "interval": job.get("scrape_interval", defaults["scrape_interval"]),
        "scrapeTimeout": job.get("scrape_timeout", defaults["scrape_timeout"]),
        "honorLabels": bool(job.get("honor_labels")),
        "relabelings": [{"targetLabel": label, "replacement": value} for label, value in labels.items()],
    }
    if "metric_relabel_configs" in job:
        endpoint["metricRelabelings"] = [_relabeling(one) for one in job["metric_relabel_configs"]]
    selector = {operated: "true"} if operated else {"app.kubernetes.io/name": name, **_PART_OF}
    spec: Object = {"selector": {"matchLabels": selector}, "endpoints": [endpoint]}
    if not operated:
        # Without it the operator looks in the monitor's own namespace alone.
        spec["namespaceSelector"] = {"matchNames": list(namespaces)} if namespaces else {"any": True}
    for key, other in (("sample_limit", "sampleLimit"), ("body_size_limit", "bodySizeLimit")):
        limit = job.get(key, defaults.get(key))
        if limit is not None:
            spec[other] = limit
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": metadata.of(_name(name)),
        "spec": spec,
    }


def dashboard(stem: str, text: str, metadata: Metadata) -> Object:
    """A dashboard as Grafana's sidecar finds it: by the label `grafana_dashboard`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata.of(_name(f"dashboard-{stem}"), grafana_dashboard="1"),
        "data": {f"recwatch-{stem}.json": text},
    }


def kustomization(files: Sequence[str], namespace: str) -> Object:
    """What `kubectl apply -k` applies."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **({"namespace": namespace} if namespace else {}),
        "resources": sorted(files),
    }


def _name(stem: str) -> str:
    return "recwatch-" + stem.replace(".", "-").replace("_", "-")


def _relabeling(given: Object) -> Object:
    """Prometheus writes `source_labels`, the operator `sourceLabels`."""
    return {_camel(key): value for key, value in given.items()}


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)
