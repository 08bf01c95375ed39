// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "ingest/row_builder.h"

namespace cordwood::ingest {

/// The body of /loki/api/v1/push: `{"streams":[{"stream":{…},"values":[["<ns>","<line>",{…}]]}]}`.  Unknown keys and
/// what follows the outer object are passed over.  `body` must outlive the rows.
Result<void> decode_push_json(std::string_view body, RowBuilder* rows);

/// The older body of /api/prom/push: `{"streams":[{"labels":"{…}","entries":[{"ts":"<RFC 3339>","line":"…"}]}]}`.
Result<void> decode_push_json_v0(std::string_view body, RowBuilder* rows);

}  // namespace cordwood::ingest
