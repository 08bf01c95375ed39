// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/support/file_system_contract.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

FileSystemUnderTest make_posix() {
  struct Held {
    TemporaryDirectory dir;
    PosixFileSystem fs;
  };
  auto held = std::make_shared<Held>();
  return {std::shared_ptr<FileSystem>(held, &held->fs), held->dir.path()};
}
INSTANTIATE_TEST_SUITE_P(Posix, FileSystemContract, testing::Values(&make_posix));

TEST(PosixFileSystem, ErrorsNameThePathAndTheReason) {
  PosixFileSystem fs;
  EXPECT_EQ(fs.open("/nonexistent/file", OpenMode::read).error().message,
            "open /nonexistent/file: No such file or directory");
}

TEST(PosixFileSystem, AFullDiskIsUnavailable) {
  PosixFileSystem fs;
  const auto full = fs.open("/dev/full", OpenMode::read_write);
  if (!full.ok()) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ((*full)->append("x").error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace cordwood
