// SPDX-License-Identifier: Apache-2.0
#include "api/config_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace cordwood::api {
namespace {

// Version 1 writes a number near 2^63 for "none".
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

std::optional<uint64_t> limit_in(const SmallFileReader& read, const std::string& path) {
  const auto text = read(path);
  if (!text) return std::nullopt;
  uint64_t bytes = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), bytes);
  if (ec != std::errc() || end == text->data() || bytes >= kNoLimit) return std::nullopt;  // "max"
  return bytes;
}

/// The smallest limit of a group and all above it.
std::optional<uint64_t> tightest(const SmallFileReader& read, const std::string& root, std::string group,
                                 const std::string& file) {
  std::optional<uint64_t> least;
  for (;;) {
    if (const auto limit = limit_in(read, root + group + "/" + file)) least = std::min(least.value_or(*limit), *limit);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.erase(slash);
  }
}

}  // namespace

SmallFileReader machine_files() {
  return [](const std::string& path) -> std::optional<std::string> {
    std::ifstream in(path);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  };
}

std::optional<uint64_t> cgroup_memory_limit(const SmallFileReader& read) {
  std::optional<uint64_t> least;
  std::istringstream groups(read("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    std::optional<uint64_t> limit;
    if (controllers.empty()) {
      limit = tightest(read, "/sys/fs/cgroup", group, "memory.max");
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      limit = tightest(read, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    }
    if (limit) least = std::min(least.value_or(*limit), *limit);
  }
  return least;
}

bool fit_memory(uint64_t limit_bytes, MemoryAccountant::Limits* shares) {
  uint64_t sum = 0;
  for (const uint64_t share : shares->bytes) sum += share;
  const uint64_t budget = limit_bytes / 4 * 3;
  if (sum <= budget) return false;
  const double factor = static_cast<double>(budget) / static_cast<double>(sum);
  for (uint64_t& share : shares->bytes) share = static_cast<uint64_t>(static_cast<double>(share) * factor);
  return true;
}

}  // namespace cordwood::api
