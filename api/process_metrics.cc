// SPDX-License-Identifier: Apache-2.0
#include "api/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <sstream>

#include "api/build_version.h"
#include "api/config_memory.h"
#include "storage/base/niceness.h"

namespace cordwood::api {

uint64_t resident_bytes() {
  std::istringstream in(machine_files()("/proc/self/statm").value_or(""));
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  in >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

static double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void add_process_metrics(Metrics& metrics, MemoryAccountant& memory) {
  for (size_t i = 0; i < kMemoryShares; ++i) {
    const auto share = static_cast<MemoryShare>(i);
    const MetricLabels labels{{"share", std::string(to_string(share))}};
    metrics.gauge("cordwood_memory_used_bytes", "Bytes taken of a share.", labels,
                  [&memory, share] { return static_cast<double>(memory.used(share)); });
    metrics.gauge("cordwood_memory_peak_bytes", "Most bytes ever taken of a share.", labels,
                  [&memory, share] { return static_cast<double>(memory.peak(share)); });
    metrics.gauge("cordwood_memory_limit_bytes", "Bytes a share may take.", labels,
                  [&memory, share] { return static_cast<double>(memory.limit(share)); });
  }
  metrics.gauge("cordwood_process_resident_bytes", "Memory of the process.", {},
                [] { return static_cast<double>(resident_bytes()); });
  metrics.gauge("cordwood_process_cpu_seconds", "Processor time of the process.", {}, cpu_seconds);
  metrics.gauge("cordwood_paused_for_answers_seconds", "How long merging paused while requests were answered.", {},
                [] { return 1e-9 * static_cast<double>(PausesForAnswers::total_ns()); });
  metrics.gauge("cordwood_build_info", "Which build this is.", {{"version", std::string(kVersion)}},
                [] { return 1.0; });
}

}  // namespace cordwood::api
