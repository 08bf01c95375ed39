// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "ingest/row_builder.h"

namespace cordwood::ingest {

/// OpenTelemetry's ExportLogsServiceRequest.  Records without a time get the receive time.  `body` must outlive the
/// rows.
Result<void> decode_push_otlp_json(std::string_view body, RowBuilder* rows);
Result<void> decode_push_otlp_protobuf(std::string_view body, RowBuilder* rows);

}  // namespace cordwood::ingest
