// SPDX-License-Identifier: Apache-2.0
#include "storage/shred_text.h"

namespace cordwood::shred {

CutResult cut_text(std::string_view line, uint32_t max_slots, LineCuts* cuts) {
  const char* begin = line.data();
  const char* end = begin + line.size();
  const auto offset = [&](const char* at) { return static_cast<uint32_t>(at - begin); };
  const auto add = [&](const char* from, const char* to, SlotScan scan) {
    cuts->cuts.push_back({offset(from), offset(to), scan, 0, 0});
    return cuts->cuts.size() <= max_slots;
  };
  for (const char* at = begin; at != end;) {
    if (!text_class(*at).delimiter) {
      const TextToken token = scan_token(at, end);
      const bool value = at != begin && at[-1] == '=';
      const SlotScan scan = value ? SlotScan::text_value : SlotScan::text_token;
      if ((value || token.varies) && !add(at, token.end, scan)) return CutResult::over_limit;
      at = token.end;
      continue;
    }
    if (*at == '"') {
      const bool opens = at == begin || text_class(at[-1]).delimiter;
      const char* close = opens ? scan_text_quoted(at + 1, end) : nullptr;
      if (close != nullptr) {
        if (!add(at + 1, close, SlotScan::text_quoted)) return CutResult::over_limit;
        at = close;
      }
    }
    ++at;
  }
  return CutResult::done;
}

}  // namespace cordwood::shred
