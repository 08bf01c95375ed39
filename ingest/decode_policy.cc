// SPDX-License-Identifier: Apache-2.0
#include "ingest/decode_policy.h"

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood::ingest {

namespace {

/// Also stands for the algorithms behind the rules: a change of theirs that gives other rows needs a new number.
constexpr uint8_t kVersion = 1;

void write_list(ByteWriter* out, const std::vector<std::string>& list) {
  out->varint(list.size());
  for (const std::string& item : list) out->string(item);
}

std::vector<std::string> read_list(ByteReader* in) {
  std::vector<std::string> list(in->count(1));
  for (std::string& item : list) item = in->string();
  return list;
}

WalPolicy wal_policy_of(const DecodeRules& rules) {
  WalPolicy policy;
  policy.encoded = rules.encode();
  policy.id = xxh3_64(policy.encoded);
  return policy;
}

}  // namespace

DecodeRules DecodeRules::of(const IngestLimits& limits) {
  DecodeRules rules;
  rules.discover_service_name = limits.discover_service_name;
  rules.discover_levels = limits.discover_log_levels && limits.allow_structured_metadata;
  rules.level_fields = limits.log_level_fields;
  rules.level_json_max_depth = limits.log_level_from_json_max_depth;
  rules.truncate_lines_bytes = limits.max_line_size_truncate ? limits.max_line_size_bytes : 0;
  rules.truncate_identifier = limits.max_line_size_truncate_identifier;
  rules.increment_duplicate_timestamp = limits.increment_duplicate_timestamp;
  rules.otlp_index_labels = limits.otlp_index_labels;
  return rules;
}

std::string DecodeRules::encode() const {
  std::string out;
  ByteWriter w(&out);
  w.u8(kVersion);
  write_list(&w, discover_service_name);
  w.u8(discover_levels ? 1 : 0);
  write_list(&w, level_fields);
  w.zigzag(level_json_max_depth);
  w.varint(truncate_lines_bytes);
  w.string(truncate_identifier);
  w.u8(increment_duplicate_timestamp ? 1 : 0);
  write_list(&w, otlp_index_labels);
  return out;
}

Result<DecodeRules> DecodeRules::decode(std::string_view encoded) {
  ByteReader in(encoded);
  const uint8_t version = in.u8();
  if (version != kVersion)
    return Error::corrupt(fmt::format("policy version {}, this program reads {}", version, kVersion));
  DecodeRules rules;
  rules.discover_service_name = read_list(&in);
  rules.discover_levels = in.u8() != 0;
  rules.level_fields = read_list(&in);
  rules.level_json_max_depth = static_cast<int32_t>(in.zigzag());
  rules.truncate_lines_bytes = in.varint();
  rules.truncate_identifier = in.string();
  rules.increment_duplicate_timestamp = in.u8() != 0;
  rules.otlp_index_labels = read_list(&in);
  TRY(in.finish("policy"));
  return rules;
}

DecodePolicy::DecodePolicy(DecodeRules r)
    : rules(std::move(r)), wal(wal_policy_of(rules)), levels(rules.level_fields, rules.level_json_max_depth) {}

}  // namespace cordwood::ingest
