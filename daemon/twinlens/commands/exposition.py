"""Prometheus text, format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)."""

from collections.abc import Iterable

from twinlens.model.metrics import Metric, Sample

PREFIX = "twinlens_"


def exposition(metrics: Iterable[Metric]) -> str:
    """The metrics as text, in their order; one without a sample is left out."""
    lines: list[str] = []
    for metric in metrics:
        if not metric.samples:
            continue
        name = PREFIX + metric.name
        # In HELP only the backslash and the end of line are escaped, in labels the quote, too.
        lines.append(f"# HELP {name} {_escaped(metric.help)}")
        lines.append(f"# TYPE {name} {metric.kind.value}")
        lines += [f"{name}{_labels(sample)} {_number(sample.value)}" for sample in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(sample: Sample) -> str:
    pairs = (f'{name}="{_quoted(value)}"' for name, value in sorted(sample.labels.items()))
    text = ",".join(pairs)
    return f"{{{text}}}" if text else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    # Names of folders may hold bytes that are no UTF-8: a text file must be.
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _escaped(plain).replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
