// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/otlp_value.h"
#include "ingest/row_builder.h"

namespace cordwood::ingest {

/// Turns OpenTelemetry records into rows: some resource attributes become labels, everything else metadata.
class OtlpRows {
 public:
  explicit OtlpRows(RowBuilder* rows) : rows_(rows) {}
  Result<void> begin_resource(const std::vector<OtlpAttribute>& attributes);
  Result<void> begin_scope(const OtlpScope& scope);
  Result<void> add(const OtlpRecord& record);
  Arena* arena() { return rows_->arena(); }

 private:
  /// Maps flatten to `prefix_key`; names are normalised at every level.
  Result<void> flatten(std::string_view prefix, const OtlpAttribute& attribute, std::vector<MetadataPair>* out);
  Result<void> flatten_all(const std::vector<OtlpAttribute>& attributes, std::vector<MetadataPair>* out);
  std::string_view text_of(const OtlpValue& value);
  std::string_view number(uint64_t value);
  Result<int64_t> time_of(const OtlpRecord& record);

  RowBuilder* rows_;
  std::string label_text_;
  bool stream_begun_ = false;
  std::vector<MetadataPair> resource_;
  std::vector<MetadataPair> scope_;
  std::vector<MetadataPair> entry_;
};

/// The hex of an id; empty for one of zeros alone.
std::string_view hex_of_id(std::string_view bytes, Arena* arena);

}  // namespace cordwood::ingest
