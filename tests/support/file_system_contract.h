// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "storage/base/file_system.h"

namespace cordwood {

/// A file system and a directory in it that exists and is empty.
struct FileSystemUnderTest {
  std::shared_ptr<FileSystem> fs;
  std::string root;
};
using FileSystemFactory = std::function<FileSystemUnderTest()>;

/// What every FileSystem must do while nothing fails (tests/storage/base/file_system_contract_test.cc).
class FileSystemContract : public testing::TestWithParam<FileSystemFactory> {
 protected:
  void SetUp() override {
    FileSystemUnderTest made = GetParam()();
    fs_ = made.fs;
    root_ = made.root;
  }
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  void write(const std::string& name, std::string_view data) {
    auto file = fs_->open(at(name), OpenMode::create_new);
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE((*file)->append(data).ok());
  }
  std::shared_ptr<FileSystem> fs_;
  std::string root_;
};

}  // namespace cordwood
