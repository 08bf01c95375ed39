// SPDX-License-Identifier: Apache-2.0
#include "api/data_lock_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/base/file_system.h"

namespace cordwood::api {

Result<void> lock_directory(const std::string& directory) {
  TRY(PosixFileSystem().create_directories(directory));
  const std::string path = directory + "/LOCK";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Error::io("cannot open " + path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return Error::unavailable(directory + " is in use by another server");
  return {};  // the descriptor stays open: closing it would give the lock up
}

}  // namespace cordwood::api
