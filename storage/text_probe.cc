// SPDX-License-Identifier: Apache-2.0
#include "storage/text_probe.h"

namespace cordwood {

TextProbe TextProbe::substring(std::string_view needle) {
  TextProbe probe;
  probe.text_ = needle;
  return probe;
}

TextProbe TextProbe::value(std::string_view value) {
  return substring(value);
}

}  // namespace cordwood
