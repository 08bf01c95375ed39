// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/model/stream.h"

namespace cordwood::index {

/// The only place that knows how terms of a day's database are spelled.  Tenants and label names are numbers that
/// the database hands out; numbers are varints.
///   T tenant                      every stream of the tenant
///   Q tenant id                   one stream (16 bytes of its id)
///   L tenant label value          streams whose label has the value
/// A value beyond kMaxValueBytes is its prefix, a zero byte and its hash; the reader confirms by the labels.
inline constexpr size_t kMaxValueBytes = 180;

std::string tenant_term(uint64_t tenant);
std::string stream_term(uint64_t tenant, const StreamId& id);
/// Prefix of all values of a label.
std::string label_prefix(uint64_t tenant, uint64_t label);
std::string label_term(uint64_t tenant, uint64_t label, std::string_view value);
/// The value in a term that starts with `prefix`; false in `whole` when only its beginning is there.
std::string_view value_of_term(std::string_view term, std::string_view prefix, bool* whole);

/// Keys of the database's own numbering.
std::string tenant_key(std::string_view tenant);
std::string label_key(std::string_view label);

}  // namespace cordwood::index
