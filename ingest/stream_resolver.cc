// SPDX-License-Identifier: Apache-2.0
#include "ingest/stream_resolver.h"

#include <algorithm>

#include "ingest/label_parser.h"

namespace cordwood::ingest {

namespace {

const std::string* find_value(const std::vector<Labels::Pair>& pairs, std::string_view name) {
  for (const Labels::Pair& pair : pairs) {
    if (pair.first == name) return &pair.second;
  }
  return nullptr;
}

std::string to_label_string(const std::vector<Labels::Pair>& pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs) {
    if (out.size() > 1) out += ", ";
    out += name;
    out += '=';
    append_go_quoted(value, &out);
  }
  return out + "}";
}

}  // namespace

void discover_service_name(const std::vector<std::string>& list, std::vector<Labels::Pair>* pairs) {
  if (list.empty()) return;
  for (const char* name : {"service_name", "__aggregated_metric__", "__pattern__"}) {
    if (find_value(*pairs, name) != nullptr) return;
  }
  std::string service = "unknown_service";
  for (const std::string& name : list) {
    if (const std::string* value = find_value(*pairs, name)) {
      service = *value;
      break;
    }
  }
  const auto at = std::find_if(pairs->begin(), pairs->end(), [](const auto& p) { return p.first > "service_name"; });
  pairs->emplace(at, "service_name", std::move(service));
}

StreamResolver::StreamResolver(Intern intern, size_t capacity, uint64_t hash_seed)
    : intern_(std::move(intern)), shard_capacity_(std::max<size_t>(capacity / kShards, 1)), hash_seed_(hash_seed) {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mu);
    shard.young = Map(0, Hash{hash_seed});
    shard.old = Map(0, Hash{hash_seed});
  }
}

Result<ResolvedStreamPtr> StreamResolver::resolve(const TenantId& tenant, const DecodePolicy& policy,
                                                  std::string_view label_text) {
  std::string key;
  key.reserve(sizeof policy.wal.id + tenant.size() + 1 + label_text.size());
  ByteWriter w(&key);
  w.u64(policy.wal.id);
  w.bytes(tenant);
  w.u8(0);
  w.bytes(label_text);
  Shard& shard = shards_[xxh3_64(key, hash_seed_ + 1) % kShards];
  if (ResolvedStreamPtr known = find(&shard, key)) return known;
  TRY_ASSIGN(ResolvedStreamPtr resolved, parse(tenant, policy, label_text));
  if (key.size() <= kLongestKeyBytes) remember(&shard, key, resolved);
  return resolved;
}

ResolvedStreamPtr StreamResolver::find(Shard* shard, std::string_view key) {
  MutexLock lock(shard->mu);
  if (const auto it = shard->young.find(key); it != shard->young.end()) return it->second;
  const auto it = shard->old.find(key);
  if (it == shard->old.end()) return nullptr;
  ResolvedStreamPtr resolved = it->second;
  if (shard->young.size() < shard_capacity_) shard->young.insert(shard->old.extract(it));
  return resolved;
}

void StreamResolver::remember(Shard* shard, std::string_view key, ResolvedStreamPtr resolved) {
  MutexLock lock(shard->mu);
  if (shard->young.size() >= shard_capacity_) {
    shard->old = std::move(shard->young);
    shard->young = Map(0, Hash{hash_seed_});
  }
  shard->young.emplace(key, std::move(resolved));
}

Result<ResolvedStreamPtr> StreamResolver::parse(const TenantId& tenant, const DecodePolicy& policy,
                                                std::string_view label_text) const {
  TRY_ASSIGN(auto pairs, parse_label_text(label_text));
  discover_service_name(policy.rules.discover_service_name, &pairs);
  auto resolved = std::make_shared<ResolvedStream>();
  for (size_t i = 1; i < pairs.size(); ++i) {
    if (pairs[i].first == pairs[i - 1].first) {
      resolved->duplicate_name = pairs[i].first;
      resolved->refused_labels = to_label_string(pairs);
      return ResolvedStreamPtr(std::move(resolved));
    }
  }
  resolved->stream = intern_(tenant, Labels::from_pairs(std::move(pairs)));
  if (policy.rules.discover_levels) resolved->level = policy.levels.of_labels(resolved->stream->labels);
  return ResolvedStreamPtr(std::move(resolved));
}

}  // namespace cordwood::ingest
