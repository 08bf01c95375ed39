// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cordwood {

/// 32 bytes.
std::string sha256(std::string_view bytes);
/// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// 16 bytes; empty where the machine's policy forbids it (FIPS).
std::string md5(std::string_view bytes);
/// Small letters.
std::string hex_of(std::string_view bytes);
/// With padding.
std::string base64_of(std::string_view bytes);

}  // namespace cordwood
