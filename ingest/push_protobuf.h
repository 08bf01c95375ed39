// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "ingest/row_builder.h"

namespace cordwood::ingest {

/// logproto.PushRequest.  Lines and values may hold any bytes.  `body` must outlive the rows.
Result<void> decode_push_protobuf(std::string_view body, RowBuilder* rows);

}  // namespace cordwood::ingest
