// SPDX-License-Identifier: Apache-2.0
#include "storage/base/metrics.h"

#include <algorithm>
#include <iterator>

#include "storage/base/check.h"

namespace cordwood {

namespace {

std::string escape(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string render(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}=\"{}\"", name, escape(value));
  }
  return out;
}

std::string braces(const std::string& labels) {
  return labels.empty() ? labels : "{" + labels + "}";
}

void print_histogram(const std::string& name, const std::string& labels, const Histogram& h, std::string* out) {
  const std::string comma = labels.empty() ? "" : ",";
  uint64_t below = 0;
  for (size_t i = 0; i < Histogram::kBounds; ++i) {
    below += h.bucket(i);
    *out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, Histogram::kBoundsSeconds[i], below);
  }
  *out += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, h.count());
  *out += fmt::format("{}_sum{} {}\n", name, braces(labels), static_cast<double>(h.sum_ns()) / 1e9);
  *out += fmt::format("{}_count{} {}\n", name, braces(labels), h.count());
}

}  // namespace

void Histogram::observe_ns(int64_t ns) {
  const double seconds = static_cast<double>(ns) / 1e9;
  const auto* bound = std::lower_bound(std::begin(kBoundsSeconds), std::end(kBoundsSeconds), seconds);
  buckets_[static_cast<size_t>(bound - std::begin(kBoundsSeconds))].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<uint64_t>(std::max<int64_t>(ns, 0)), std::memory_order_relaxed);
}

Metrics::Series& Metrics::series_of(const std::string& name, const std::string& help, const char* type,
                                    const MetricLabels& labels) {
  CHECK(name.rfind("cordwood_", 0) == 0, "metric '{}' must start with cordwood_", name);
  Family& family = families_[name];
  if (family.series.empty()) {
    family.help = help;
    family.type = type;
  }
  CHECK(std::string(family.type) == type, "metric '{}' is a {}, not a {}", name, family.type, type);
  std::string key = render(labels);
  Series& series = family.series[key];
  series.labels = std::move(key);
  return series;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const MutexLock lock(mu_);
  Series& series = series_of(name, help, "counter", labels);
  if (series.counter == nullptr) series.counter = &counters_.emplace_back();
  return *series.counter;
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const MutexLock lock(mu_);
  Series& series = series_of(name, help, "histogram", labels);
  if (series.histogram == nullptr) series.histogram = &histograms_.emplace_back();
  return *series.histogram;
}

void Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
                    std::function<double()> read) {
  const MutexLock lock(mu_);
  series_of(name, help, "gauge", labels).gauge = std::move(read);
}

std::string Metrics::text() const {
  const MutexLock lock(mu_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    for (const auto& [key, series] : family.series) {
      if (series.counter != nullptr) out += fmt::format("{}{} {}\n", name, braces(key), series.counter->value());
      if (series.histogram != nullptr) print_histogram(name, key, *series.histogram, &out);
      if (series.gauge) out += fmt::format("{}{} {}\n", name, braces(key), series.gauge());
    }
  }
  return out;
}

}  // namespace cordwood
