// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ingest/decode_policy.h"
#include "storage/base/mutex.h"
#include "storage/model/stream.h"

namespace cordwood::ingest {

/// What a label text of a tenant means under a policy.  Immutable, shared.
struct ResolvedStream {
  StreamPtr stream;            ///< null when a name stands twice
  std::string duplicate_name;  ///< that name
  std::string refused_labels;  ///< in that case, the label string
  std::string_view level;      ///< by the labels; views the stream or static storage; empty when they tell none

  /// For messages, with a discovered service_name.
  const std::string& label_string() const { return stream != nullptr ? stream->label_string : refused_labels; }
};
using ResolvedStreamPtr = std::shared_ptr<const ResolvedStream>;

/// Label texts to streams, remembered by the text's bytes so that the hot path parses none.  Keeps the lately used
/// ones of all tenants, at most about 2 x `capacity`.  Thread-safe.
class StreamResolver {
 public:
  using Intern = std::function<StreamPtr(const TenantId&, Labels)>;
  StreamResolver(Intern intern, size_t capacity, uint64_t hash_seed);

  /// invalid, with Prometheus' text, when the labels cannot be read.
  Result<ResolvedStreamPtr> resolve(const TenantId& tenant, const DecodePolicy& policy, std::string_view label_text);

 private:
  struct Hash {
    using is_transparent = void;
    Hash() : Hash(0) {}
    explicit Hash(uint64_t s) : seed(s) {}
    size_t operator()(std::string_view key) const { return xxh3_64(key, seed); }
    uint64_t seed;
  };
  using Map = std::unordered_map<std::string, ResolvedStreamPtr, Hash, std::equal_to<>>;
  /// Two generations: a hit in the old one moves up, the old one goes when the young one is full.
  struct Shard {
    Mutex mu;
    Map young GUARDED_BY(mu);
    Map old GUARDED_BY(mu);
  };
  static constexpr size_t kShards = 16;
  static constexpr size_t kLongestKeyBytes = 16u << 10;  ///< longer ones are read anew each time

  ResolvedStreamPtr find(Shard* shard, std::string_view key);
  void remember(Shard* shard, std::string_view key, ResolvedStreamPtr resolved);
  Result<ResolvedStreamPtr> parse(const TenantId& tenant, const DecodePolicy& policy,
                                  std::string_view label_text) const;

  const Intern intern_;
  const size_t shard_capacity_;
  const uint64_t hash_seed_;
  std::array<Shard, kShards> shards_;
};

/// Adds `service_name` by the first label of the list that is there, else `unknown_service`, unless the labels have
/// one, the list is empty, or the stream is one of Loki's own.
void discover_service_name(const std::vector<std::string>& list, std::vector<Labels::Pair>* pairs);

}  // namespace cordwood::ingest
