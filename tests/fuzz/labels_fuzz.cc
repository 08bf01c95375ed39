// SPDX-License-Identifier: Apache-2.0
// Label texts of streams.  What parses is sorted; its canonical text parses to the same when names need no quotes and
// values hold no U+FFFD, which the parser refuses as it stands.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>

#include "ingest/label_parser.h"
#include "storage/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pairs = cordwood::ingest::parse_label_text({reinterpret_cast<const char*>(data), size});
  if (!pairs.ok()) return 0;
  for (const auto& [name, value] : *pairs) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    if (!std::all_of(name.begin(), name.end(), plain) || name.empty() || std::isdigit(name[0]) != 0) return 0;
  }
  for (size_t i = 1; i < pairs->size(); ++i) {
    CHECK((*pairs)[i - 1].first <= (*pairs)[i].first);
    if ((*pairs)[i - 1].first == (*pairs)[i].first) return 0;
  }
  const std::string text = cordwood::Labels::from_pairs(*pairs).to_string();
  if (text.find("\xEF\xBF\xBD") != std::string::npos) return 0;
  const auto again = cordwood::ingest::parse_label_text(text);
  CHECK(again.ok() && *again == *pairs, "{}", text);
  return 0;
}
