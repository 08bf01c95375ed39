// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/audit_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cordwood::lifecycle {

namespace {

constexpr size_t kPage = 1000;
constexpr uint64_t kMaxLineBytes = 1u << 20;
constexpr int kMaxConflicts = 1000;

std::string json_line(const AuditLog::Entry& entry, int64_t now_ns) {
  nlohmann::ordered_json line{{"time", now_ns}, {"act", entry.act}, {"tenant", entry.tenant}};
  if (!entry.id.empty()) line["id"] = entry.id;
  if (!entry.query.empty()) line["query"] = entry.query;
  if (entry.start_ns != 0 || entry.end_ns != 0) {
    line["start"] = entry.start_ns;
    line["end"] = entry.end_ns;
  }
  if (!entry.reason.empty()) line["reason"] = entry.reason;
  if (entry.rows > 0) line["rows"] = entry.rows;
  if (!entry.error.empty()) line["error"] = entry.error;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string AuditLog::prefix(const TenantId& tenant) const {
  return fmt::format("audit/{}/{}/", node_, tenant_path(tenant));
}

Result<uint64_t> AuditLog::last_number(const TenantId& tenant) const {
  const auto known = last_.find(tenant);
  if (known != last_.end()) return known->second;
  const std::string begin = prefix(tenant);
  std::string after;
  for (;;) {
    TRY_ASSIGN(const std::vector<ObjectInfo> page, store_.list(begin, after, kPage));
    if (!page.empty()) after = page.back().key;
    if (page.size() < kPage) break;
  }
  const uint64_t last = after.empty() ? 0 : std::strtoull(after.c_str() + begin.size(), nullptr, 10);
  last_[tenant] = last;
  return last;
}

Result<void> AuditLog::add(const Entry& entry) {
  const std::string line = json_line(entry, clock_.now_ns());
  const MutexLock lock(mu_);
  TRY_ASSIGN(uint64_t number, last_number(entry.tenant));
  for (int i = 0; i < kMaxConflicts; ++i) {
    TRY_ASSIGN(const bool written,
               store_.put_if_absent(fmt::format("{}{:020}.json", prefix(entry.tenant), ++number), line));
    last_[entry.tenant] = number;
    if (written) return {};
  }
  return Error::unavailable("the audit log is written by too many at a time");
}

Result<bool> AuditLog::tells(const TenantId& tenant, const std::string& act, const std::string& id,
                             size_t among) const {
  TRY_ASSIGN(const std::vector<std::string> lines, newest(tenant, among));
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& text) {
    const auto line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    return line.is_object() && line.value("act", "") == act && line.value("id", "") == id && !line.contains("error");
  });
}

Result<std::vector<std::string>> AuditLog::newest(const TenantId& tenant, size_t limit) const {
  uint64_t number = 0;
  {
    const MutexLock lock(mu_);
    TRY_ASSIGN(number, last_number(tenant));
  }
  std::vector<std::string> lines;
  for (; number > 0 && lines.size() < limit; --number) {
    const std::string key = fmt::format("{}{:020}.json", prefix(tenant), number);
    const Result<ObjectInfo> info = store_.head(key);
    if (!info.ok() && info.error().kind == ErrorKind::not_found) continue;
    if (!info.ok()) return info.error();
    TRY_ASSIGN(std::string line, store_.get_range(key, 0, std::min(info->size_bytes, kMaxLineBytes)));
    while (line.ends_with('\n')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cordwood::lifecycle
