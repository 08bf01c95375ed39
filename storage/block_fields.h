// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/block_entry.h"
#include "storage/segment.h"

namespace cordwood {

struct BlockFieldLimits {
  size_t fields = 256;            ///< a block with more columns is not described
  size_t path_bytes = 16u << 10;  ///< of all columns; likewise
  size_t values = 100;            ///< of a field; with more they are not listed
  size_t value_bytes = 64;        ///< likewise
  size_t words = 64;              ///< of templates
};

/// The cells of one path out of lines of one form, or of one name of structured metadata.
struct BlockField {
  ColumnSource source = ColumnSource::metadata;  ///< or json, logfmt
  std::vector<std::string> path;
  bool listed = false;                     ///< `values` are all there are, and each is what a query sees
  std::vector<std::string> values;         ///< ascending
  std::optional<ColumnMeta::Range> range;  ///< if Go's ParseFloat takes every value: none lies outside
};

/// What can be said of a block's fields without its rows.
struct BlockFields {
  bool described = false;  ///< without it nothing is known
  std::vector<BlockField> fields;
  bool packed_metadata = false;    ///< some row has metadata that are no fields here
  bool json_elsewhere = false;     ///< a line that is not kept as json may begin as an object does
  bool logfmt_elsewhere = false;   ///< a line that is not kept as logfmt may hold key=value
  std::vector<std::string> words;  ///< of templates, lower-case, in the order they were met
};

/// Reads dictionaries and narrow columns, no lines unless they are kept raw.  Errors: corrupt, io.
Result<BlockFields> read_block_fields(const SpilledBlock& block, const BlockFieldLimits& limits);

}  // namespace cordwood
