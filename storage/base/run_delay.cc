// SPDX-License-Identifier: Apache-2.0
#include "storage/base/run_delay.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

namespace cordwood {

int64_t run_delay_ns() {
  // "<ns on a processor> <ns waited for one> <slices>"
  const int file = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[96];
  const ssize_t size = ::read(file, text, sizeof text);
  (void)::close(file);
  const std::string_view all(text, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t space = all.find(' ');
  int64_t waited_ns = 0;
  if (space != std::string_view::npos) std::from_chars(all.data() + space + 1, all.data() + all.size(), waited_ns);
  return waited_ns;
}

}  // namespace cordwood
