// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood {

/// Where the segments and the common id tables of a node lie: `segments/<node>/`.  Their names begin with the
/// generation they are of, or, behind a letter, with the catalog's version they were made from.
std::string segment_prefix(const std::string& node);
/// The latter: merged segments and common id tables.
bool names_catalog_version(std::string_view key);

}  // namespace cordwood
