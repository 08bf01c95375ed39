// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "api/config_keys.h"

namespace cordwood::api {
namespace {

TEST(Readme, HoldsTheTableOfKeys) {
  std::ifstream file("README.md");
  ASSERT_TRUE(file.is_open()) << "tests run in the project's root";
  std::stringstream readme;
  readme << file.rdbuf();
  std::istringstream table(print_config_table());
  for (std::string line; std::getline(table, line);) {
    EXPECT_NE(readme.str().find(line), std::string::npos) << "README.md lacks: " << line;
  }
}

}  // namespace
}  // namespace cordwood::api
